import { changeOf, isSettled, type State, type Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { Examination, type Invariant, type Judge } from './invariant.ts';

/** Checks invariants on a trace, in one walk. The results are in the order of the invariants. */
export function examineAll(trace: Trace, invariants: readonly Invariant[]): readonly Examination[] {
  const position = { step: 0 };
  const examinations: Examination[] = [];
  const ofEvents: Judge[] = [];
  const ofSteps: Judge[] = [];
  const ofEnd: Judge[] = [];
  for (const invariant of invariants) {
    const examination = new Examination(invariant.id, position);
    examinations.push(examination);
    const judge = invariant.start(trace, examination);
    if (judge?.event !== undefined) ofEvents.push(judge);
    if (judge?.step !== undefined) ofSteps.push(judge);
    if (judge?.end !== undefined) ofEnd.push(judge);
  }
  const { steps, teardown } = trace;
  let before: State | undefined;
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index]!;
    const { state, events } = step;
    position.step = index;
    tell(ofEvents, events);
    if (state === before) continue;
    const change = changeOf(step, before);
    before = state;
    const settled = isSettled(trace, index);
    for (const judge of ofSteps) {
      if (settled || judge.judgesUnsettled === true) judge.step!(change, state);
    }
  }
  if (teardown !== undefined) {
    position.step = steps.length;
    tell(ofEvents, teardown.events);
  }
  position.step = steps.length - 1;
  for (const judge of ofEnd) judge.end!();
  return examinations;
}

function tell(judges: readonly Judge[], events: readonly VmmEvent[]): void {
  for (const event of events) for (const judge of judges) judge.event!(event);
}

/** Checks one invariant on a trace. */
export const examine = (trace: Trace, invariant: Invariant): Examination =>
  examineAll(trace, [invariant])[0]!;
