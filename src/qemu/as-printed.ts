import { rangeType, type MtreeForm } from '../memory/index.ts';
import type { State, Trace, TraceRange } from '../trace/index.ts';

/**
 * The trace of the model as the memory maps of a QEMU show it. Before QEMU 11, `info mtree -f` calls a range of a
 * region that answers nothing `i/o`, as if it were contained.
 *
 * @param form how this QEMU prints memory maps.
 */
export function asPrinted(trace: Trace, form: MtreeForm): Trace {
  const known = new Map<readonly TraceRange[], readonly TraceRange[]>();
  const shown = (view: readonly TraceRange[]): readonly TraceRange[] => {
    let ranges = known.get(view);
    if (ranges === undefined) {
      ranges = view.map((range) =>
        rangeType(range, form) === 'i/o' ? { ...range, contained: true } : range,
      );
      known.set(view, ranges);
    }
    return ranges;
  };
  const printed = (state: State): State => ({
    ...state,
    flatView: shown(state.flatView),
    dmaView: shown(state.dmaView),
  });
  return { ...trace, steps: trace.steps.map((step) => ({ ...step, state: printed(step.state) })) };
}
