import { Interrupted, type RunScenario } from '../campaign/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { NotRunnable, type Trace } from '../trace/index.ts';
import type { Sides } from './difference.ts';

/** How a scenario is run on either side of a comparison. */
export interface RunSides extends Sides<RunScenario> {
  /**
   * Does a stretch of runs, and stops a run that never ends. Left out where every run is known to end.
   */
  readonly guard?: <T>(stretch: () => T) => T;
}

/** Runs a scenario on both sides. Returns a promise only if one of the sides does. */
export function runBoth(run: RunSides, scenario: Scenario): Sides<Trace> | Promise<Sides<Trace>> {
  const base = run.base(scenario);
  const patched = run.patched(scenario);
  if (!(base instanceof Promise) && !(patched instanceof Promise)) return { base, patched };
  return Promise.all([base, patched]).then(([first, second]) => ({ base: first, patched: second }));
}

/** How long the event loop waits for a stretch. The order of the runs does not depend on this time. */
const MILLISECONDS_AT_A_TIME = 200;

/**
 * Runs one scenario after the other on both sides, in stretches of 0.2 s. Between two stretches the event
 * loop gets a turn.
 *
 * @param scenarios gives the next scenario only after the previous one has been visited.
 * @param visit called with each scenario and its traces.
 * @param between called between two stretches.
 * @param signal ends the runs between two stretches.
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

/** Ignores a scenario that one of the sides cannot run, or whose run the user has interrupted. */
function ignoreNotRunnable(error: unknown): void {
  if (!(error instanceof NotRunnable || error instanceof Interrupted)) throw error;
}

/** Runs scenarios for 0.2 s. If a side returns a promise, the stretch ends with that promise, for the caller to await. */
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
    if (traces instanceof Promise) return traces.then((both) => visit(scenario, both), ignoreNotRunnable);
    visit(scenario, traces);
  } while (performance.now() < end);
  return 'more';
}
