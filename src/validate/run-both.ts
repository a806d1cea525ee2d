import type { RunScenario } from '../campaign/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { NotRunnable, type Trace } from '../trace/index.ts';
import type { Sides } from './difference.ts';

/** The two sides of a comparison, as something that scenarios are run on. */
export interface RunSides extends Sides<RunScenario> {
  /**
   * Does a stretch of runs in which a side might never come back, and stops it then. Left out where no
   * side can do that.
   */
  readonly guard?: <T>(stretch: () => T) => T;
}

/** Both runs of a scenario, one after the other: at once, if both sides answer at once. */
export function runBoth(run: RunSides, scenario: Scenario): Sides<Trace> | Promise<Sides<Trace>> {
  const base = run.base(scenario);
  const patched = run.patched(scenario);
  if (!(base instanceof Promise) && !(patched instanceof Promise)) return { base, patched };
  return Promise.all([base, patched]).then(([first, second]) => ({ base: first, patched: second }));
}

/** How long the rest of the world waits; what is run, and in which order, does not depend on it. */
const MILLISECONDS_AT_A_TIME = 200;

/**
 * Runs one scenario after the other on both sides, in stretches between which the rest of the program
 * has its turn.
 *
 * @param scenarios asked for the next one when the one before has been visited.
 * @param between called between two stretches.
 * @param signal ends it between two stretches.
 */
export async function runAll(
  scenarios: Iterator<Scenario>,
  run: RunSides,
  visit: (scenario: Scenario, traces: Sides<Trace>) => void,
  between: () => void,
  signal?: AbortSignal,
): Promise<void> {
  const guard = run.guard ?? ((stretch) => stretch());
  for (;;) {
    const rest = guard(() => runStretch(scenarios, run, visit));
    if (rest instanceof Promise) await rest;
    else if (rest === 'done') return;
    between();
    await new Promise(setImmediate);
    if (signal?.aborted) return;
  }
}

/** What a side cannot be asked to run says nothing about either. */
function passOver(error: unknown): void {
  if (!(error instanceof NotRunnable)) throw error;
}

/** Runs until time is up, or a side answers with a promise: that is given back, to be waited for outside. */
function runStretch(
  scenarios: Iterator<Scenario>,
  run: RunSides,
  visit: (scenario: Scenario, traces: Sides<Trace>) => void,
): 'done' | 'more' | Promise<void> {
  const end = performance.now() + MILLISECONDS_AT_A_TIME;
  do {
    const { value: scenario, done } = scenarios.next();
    if (done) return 'done';
    const traces = runBoth(run, scenario);
    if (traces instanceof Promise) return traces.then((both) => visit(scenario, both), passOver);
    visit(scenario, traces);
  } while (performance.now() < end);
  return 'more';
}
