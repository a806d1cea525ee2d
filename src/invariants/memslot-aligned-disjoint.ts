import { END_OF_SPACE, firstEndingAbove, isAligned } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { Trace, TraceRange } from '../target/trace.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachChange, forEachEvent, settled } from './steps.ts';

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
      (state, before) =>
        state.memslots !== before.memslots ||
        state.flatView !== before.flatView ||
        state.devices !== before.devices,
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
          const { owner } = slot.backing;
          // What belongs to a device goes with it, whatever the memory map still shows.
          if (owner !== undefined && !state.devices.some(({ id }) => id === owner)) {
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

/** A slot that KVM refused, and that the VMM died of, is judged by what was asked: it never came into force. */
function checkFatalRequest(trace: Trace, examination: Examination): void {
  const last = trace.outcome === 'aborted' ? trace.steps.at(-1) : undefined;
  const event = last?.events.at(-1);
  if (last === undefined || event?.type !== 'memslot' || event.slot.size === 0n) return;
  const { slot } = event;
  const { gpa, size, backing } = slot;
  const violate = (cause: string, what: string): void =>
    examination.violate(
      cause,
      trace.steps.length - 1,
      () => `the VMM asks for a memslot ${spanOf(gpa, size)} of "${backing.region}", which ${what}`,
      rangeFrom(gpa, size),
    );
  if (!isAligned(gpa | size, trace.pages.host)) violate('asked-unaligned', 'is not made of host pages');
  if (!isBacked(slot, last.state.flatView)) violate('asked-not-backed', 'the memory map does not show there');
}

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
