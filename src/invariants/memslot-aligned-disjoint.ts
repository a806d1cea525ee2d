import { END_OF_SPACE, firstEndingAbove, isAligned } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { Trace, TraceRange } from '../trace/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import { HostBases } from './host-bases.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachChange, forEachEvent, isUnplugged, settled } from './steps.ts';

/** What the CPU reaches without an exit is what the memory map shows. */
export const memslotAlignedDisjoint: Invariant = {
  id: 'memslot-aligned-disjoint',
  clause: 'memslots are page-aligned, disjoint, and backed by RAM',
  severity: 'error',
  site: 'accel/kvm/kvm-all.c: kvm_align_section, kvm_set_phys_mem',
  check(trace, examination) {
    const { host } = trace.pages;
    // KVM on POWER has no read-only slots.
    const hasReadonlySlots = trace.scenario.machine.type !== 'pseries';
    // KVM refuses most slots that are wrong: what is asked for tells more than what there is.
    forEachEvent(trace, (event, step) => {
      if (event.type !== 'memslot' || event.slot.size === 0n) return;
      examination.exercised++;
      const { gpa, size, backing } = event.slot;
      if (isAligned(gpa | size, host)) return;
      examination.violate(
        'unaligned',
        step,
        () =>
          `a memslot ${spanOf(gpa, size)} of "${backing.region}" is asked for, which is not made of host pages`,
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
          const violate = (cause: string, what: string): void =>
            examination.violate(
              cause,
              step,
              () => `the memslot ${spanOf(gpa, size)} of "${slot.backing.region}" ${what}`,
              rangeFrom(gpa, size),
            );
          if (!isAligned(gpa | size | hostAddress, host) || size === 0n || gpa + size > END_OF_SPACE) {
            violate('unaligned', 'is not made of host pages');
          }
          if (gpa < end) violate('overlapping', 'overlaps the one below it');
          end = gpa + size;
          const shown = backingOf(slot, state.flatView);
          if (shown === undefined) violate('not-backed', 'is not what the memory map shows there');
          else if (slot.readonly !== isReadonly(shown) && (slot.readonly || hasReadonlySlots)) {
            violate(
              'wrong-permission',
              `is ${slot.readonly ? 'read-only' : 'writable'}, unlike the memory map`,
            );
          }
          if (!bases.agrees(slot))
            violate('wrong-backing', 'is backed elsewhere than the rest of that region');
          // What belongs to a device goes with it, whatever the memory map still shows.
          if (isUnplugged(slot.backing.owner, state.devices, plugged)) {
            violate('owner-gone', 'shows a device that is not there any more');
          }
        }
      },
    );
    checkNumbers(trace, examination);
    checkFatalRequest(trace, examination);
  },
};

/** A slot's number is used for nothing else until the slot is deleted. */
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
        `slot ${slot.slot} is asked for at ${spanOf(slot.gpa, slot.size)} while it holds ` +
        `${spanOf(other.gpa, other.size)} of "${other.backing.region}"`,
      rangeFrom(slot.gpa, slot.size),
    );
  });
}

/** A slot that KVM refused, and that the VMM died of, never came into force: what was asked for tells. */
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
      `the VMM asks for a memslot ${spanOf(slot.gpa, slot.size)} of "${slot.backing.region}", ` +
      'which the memory map does not show there',
    rangeFrom(slot.gpa, slot.size),
  );
}

/** The range that the slot shows a part of, or nothing when the memory map has something else there. */
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

/** Writes to the contents of a ROM device go to the device. */
const isReadonly = ({ readonly, region }: TraceRange): boolean => readonly || region.kind === 'rom-device';
