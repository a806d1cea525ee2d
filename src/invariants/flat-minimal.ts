import type { TraceRange } from '../trace/index.ts';
import { rangeText } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachChange } from './steps.ts';

/** QEMU merges neighbouring flat ranges, or listeners would see more sections than necessary. */
export const flatMinimal: Invariant = {
  id: 'flat-minimal',
  clause: 'no two neighbouring flat ranges could be merged',
  severity: 'error',
  site: 'system/memory.c: can_merge, flatview_simplify',
  check(trace, examination) {
    forEachChange(
      trace,
      (state, before) => state.flatView !== before.flatView || state.dmaView !== before.dmaView,
      (state, step) => {
        checkNeighbours(state.flatView, step, examination);
        if (state.dmaView !== state.flatView) checkNeighbours(state.dmaView, step, examination);
      },
    );
  },
};

function checkNeighbours(ranges: readonly TraceRange[], step: number, examination: Examination): void {
  for (let index = 1; index < ranges.length; index++) {
    const left = ranges[index - 1]!;
    const right = ranges[index]!;
    if (left.end !== right.start) continue;
    examination.exercised++;
    const continues =
      left.region === right.region &&
      left.offset + (left.end - left.start) === right.offset &&
      left.readonly === right.readonly &&
      left.nonvolatile === right.nonvolatile &&
      left.romdMode === right.romdMode &&
      !left.unmergeable &&
      !right.unmergeable;
    if (!continues) continue;
    examination.violate(
      'mergeable',
      step,
      () => `${rangeText(left)} and ${rangeText(right)} could be one flat range`,
      {
        start: left.start,
        end: right.end,
      },
    );
  }
}
