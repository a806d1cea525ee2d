import { END_OF_SPACE, firstEndingAbove, isAligned } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { TraceRange } from '../target/trace.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Invariant } from './invariant.ts';
import { forEachChange, settled } from './steps.ts';

/** What the CPU reaches without an exit is what the memory map shows. */
export const memslotAlignedDisjoint: Invariant = {
  id: 'memslot-aligned-disjoint',
  clause: 'memslots are page-aligned, disjoint, and backed by RAM',
  severity: 'error',
  site: 'accel/kvm/kvm-all.c: kvm_align_section, kvm_set_phys_mem',
  check(trace, examination) {
    const { host } = trace.pages;
    forEachChange(
      settled(trace),
      (state, before) => state.memslots !== before.memslots || state.flatView !== before.flatView,
      (state, step) => {
        let end = 0n;
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
          if (!isBacked(slot, state.flatView)) {
            violate('not-backed', 'is not what the memory map shows there');
          }
        }
      },
    );
  },
};

function isBacked({ gpa, size, backing }: Memslot, view: readonly TraceRange[]): boolean {
  const range = view[firstEndingAbove(view, gpa)];
  if (range === undefined || range.start > gpa || range.end < gpa + size) return false;
  const { kind, name, owner } = range.region;
  return (
    (kind === 'ram' || kind === 'ram-device' || kind === 'rom-device') &&
    name === backing.region &&
    owner === backing.owner &&
    range.offset + (gpa - range.start) === backing.offset
  );
}
