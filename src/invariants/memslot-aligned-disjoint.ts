import { END_OF_SPACE, firstEndingAbove, isAligned } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { TraceRange } from '../target/trace.ts';
import { rangeFrom, spanOf } from './describe.ts';
import { HostBases } from './host-bases.ts';
import type { Invariant } from './invariant.ts';
import { forEachChange, forEachEvent, settled } from './steps.ts';

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
    forEachChange(
      settled(trace),
      (state, before) => state.memslots !== before.memslots || state.flatView !== before.flatView,
      (state, step) => {
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
        }
      },
    );
  },
};

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
