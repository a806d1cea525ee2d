import { END_OF_SPACE, firstEndingAbove, isAligned } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { Trace, TraceRange } from '../trace/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import { HostBases } from './host-bases.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachChange, forEachEvent, isUnplugged, settled } from './steps.ts';

/** The memory that the guest reaches without an exit is the memory of the flat view. */
export const memslotAlignedDisjoint: Invariant = {
  id: 'memslot-aligned-disjoint',
  clause: 'memslots are aligned to host pages, disjoint, and backed by the RAM that the flat view has there',
  severity: 'error',
  site: 'accel/kvm/kvm-all.c: kvm_align_section, kvm_set_phys_mem',
  check(trace, examination) {
    const { host } = trace.pages;
    // KVM on POWER has no read-only slots.
    const hasReadonlySlots = trace.scenario.machine.type !== 'pseries';
    // KVM refuses most wrong slots, so the invariant checks the requests, not the slots that exist.
    forEachEvent(trace, (event, step) => {
      if (event.type !== 'memslot' || event.slot.size === 0n) return;
      examination.exercised++;
      const { gpa, size, backing } = event.slot;
      if (isAligned(gpa | size, host)) return;
      examination.violate(
        'unaligned',
        step,
        () =>
          `the VMM requests a memslot ${spanOf(gpa, size)} of "${backing.region}" ` +
          'that is not aligned to host pages',
        rangeFrom(gpa, size),
      );
    });
    const plugged = new Set<string>();
    forEachChange(
      settled(trace),
      (state, before) =>
        state.memslots !== before.memslots ||
        state.flatView !== before.flatView ||
        state.devices !== before.devices,
      (state, step) => {
        for (const { id } of state.devices) plugged.add(id);
        let end = 0n;
        const bases = new HostBases();
        for (const slot of state.memslots) {
          examination.exercised++;
          const { gpa, size, hostAddress } = slot;
          const violate = (cause: string, fault: string): void =>
            examination.violate(
              cause,
              step,
              () => `the memslot ${spanOf(gpa, size)} of "${slot.backing.region}" ${fault}`,
              rangeFrom(gpa, size),
            );
          if (!isAligned(gpa | size | hostAddress, host) || size === 0n || gpa + size > END_OF_SPACE) {
            violate('unaligned', 'is not made of whole, aligned host pages');
          }
          if (gpa < end) violate('overlapping', 'overlaps the memslot below it');
          end = gpa + size;
          const shown = backingOf(slot, state.flatView);
          if (shown === undefined) violate('not-backed', 'holds other memory than the flat view there');
          else if (slot.readonly !== isReadonly(shown) && (slot.readonly || hasReadonlySlots)) {
            violate(
              'wrong-permission',
              `is ${slot.readonly ? 'read-only' : 'writable'}, unlike the flat view there`,
            );
          }
          if (!bases.agrees(slot))
            violate('wrong-backing', 'has another host address than the rest of that region');
          // The memory of a device goes with the device, even where the flat view still has its regions.
          if (isUnplugged(slot.backing.owner, state.devices, plugged)) {
            violate('owner-gone', 'holds memory of a device that is unplugged');
          }
        }
      },
    );
    checkNumbers(trace, examination);
    checkFatalRequest(trace, examination);
  },
};

/** The number of a slot may be used again only after the slot is deleted. */
function checkNumbers(trace: Trace, examination: Examination): void {
  const inUse = new Map<number, Memslot>();
  forEachEvent(trace, (event, step) => {
    if (event.type !== 'memslot') return;
    const { slot, errno } = event;
    const other = inUse.get(slot.slot);
    if (slot.size === 0n) inUse.delete(slot.slot);
    else if (errno === 0) inUse.set(slot.slot, slot);
    if (slot.size === 0n || other === undefined) return;
    examination.violate(
      'number-in-use',
      step,
      () =>
        `the VMM requests slot ${slot.slot} for ${spanOf(slot.gpa, slot.size)} while the slot holds ` +
        `${spanOf(other.gpa, other.size)} of "${other.backing.region}"`,
      rangeFrom(slot.gpa, slot.size),
    );
  });
}

/** A VMM that died of a refused slot left only the request, which is compared with the flat view. */
function checkFatalRequest(trace: Trace, examination: Examination): void {
  const last = trace.outcome === 'aborted' ? trace.steps.at(-1) : undefined;
  const event = last?.events.at(-1);
  if (last === undefined || event?.type !== 'memslot' || event.slot.size === 0n) return;
  const { slot } = event;
  if (backingOf(slot, last.state.flatView) !== undefined) return;
  examination.violate(
    'asked-not-backed',
    trace.steps.length - 1,
    () =>
      `the VMM requests a memslot ${spanOf(slot.gpa, slot.size)} of "${slot.backing.region}", ` +
      'but the flat view has other memory there',
    rangeFrom(slot.gpa, slot.size),
  );
}

/** The flat range with the memory of the slot; `undefined` where the flat view has other memory there. */
function backingOf({ gpa, size, backing }: Memslot, view: readonly TraceRange[]): TraceRange | undefined {
  const range = view[firstEndingAbove(view, gpa)];
  if (range === undefined || range.start > gpa || range.end < gpa + size) return undefined;
  const { kind, name, owner } = range.region;
  const isBacked =
    (kind === 'ram' || kind === 'ram-device' || kind === 'rom-device') &&
    name === backing.region &&
    owner === backing.owner &&
    range.offset + (gpa - range.start) === backing.offset;
  return isBacked ? range : undefined;
}

/** A ROM device in ROM mode is read-only to the guest: QEMU handles its writes. */
const isReadonly = ({ readonly, region }: TraceRange): boolean => readonly || region.kind === 'rom-device';
