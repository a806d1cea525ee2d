import type { TraceRange, ViewChange } from '../trace/index.ts';
import { rangeText } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';

/** QEMU merges neighbouring flat ranges, or listeners would see more sections than necessary. */
export const flatMinimal: Invariant = {
  id: 'flat-minimal',
  clause: 'no two neighbouring flat ranges could be merged',
  severity: 'error',
  site: 'system/memory.c: can_merge, flatview_simplify',
  start: (_, examination) => ({
    judgesUnsettled: true,
    step({ flatView, dmaView }) {
      checkNeighbours(flatView, examination);
      if (dmaView !== flatView) checkNeighbours(dmaView, examination);
    },
  }),
};

/** Checks the pairs of neighbours of which one is new. */
function checkNeighbours({ view, parts }: ViewChange, examination: Examination): void {
  for (const { from, to } of parts) {
    for (let index = from > 0 ? from : 1; index <= to && index < view.length; index++) {
      const left = view[index - 1]!;
      const right = view[index]!;
      if (left.end !== right.start) continue;
      examination.exercised++;
      if (continues(left, right)) reportMergeable(left, right, examination);
    }
  }
}

/** Whether `right` shows what follows `left` in the same region. */
const continues = (left: TraceRange, right: TraceRange): boolean =>
  left.region === right.region &&
  left.offset + (left.end - left.start) === right.offset &&
  left.readonly === right.readonly &&
  left.nonvolatile === right.nonvolatile &&
  left.romdMode === right.romdMode &&
  !left.unmergeable &&
  !right.unmergeable;

const reportMergeable = (left: TraceRange, right: TraceRange, examination: Examination): void =>
  examination.violate(
    'mergeable',
    () => `${rangeText(left)} and ${rangeText(right)} could be one flat range`,
    { start: left.start, end: right.end },
  );
