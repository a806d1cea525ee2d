import { Interrupted, type RunScenario } from '../campaign/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { NotRunnable, type Trace } from '../trace/index.ts';
import type { Sides } from './difference.ts';

/** How a scenario is run on either side of a comparison. */
export interface RunSides extends Sides<RunScenario> {
  /** Runs a scenario on both sides at once, where that is more than to run it on each. */
  readonly both?: (scenario: Scenario) => Sides<Trace> | Promise<Sides<Trace>>;
  /**
   * Does a stretch of runs, and stops a run that never ends. Left out where every run is known to end.
   */
  readonly guard?: <T>(stretch: () => T) => T;
}

/** Runs a scenario on both sides. Returns a promise only if one of the sides does. */
export function runBoth(run: RunSides, scenario: Scenario): Sides<Trace> | Promise<Sides<Trace>> {
  if (run.both !== undefined) return run.both(scenario);
  const base = run.base(scenario);
  const patched = run.patched(scenario);
  if (!(base instanceof Promise) && !(patched instanceof Promise)) return { base, patched };
  return Promise.all([base, patched]).then(([first, second]) => ({ base: first, patched: second }));
}

/** How long the event loop waits for a stretch. The order of the runs does not depend on this time. */
const MILLISECONDS_AT_A_TIME = 200;

/** What a caller of `runAll` wants to hear. */
export interface Watcher {
  /** Called with each scenario and its traces, in the order of the scenarios. */
  readonly visit: (scenario: Scenario, traces: Sides<Trace>) => void;
  /** Called between two stretches. */
  readonly between?: () => void;
  /** Called with the reason for each scenario that one of the sides cannot run. */
  readonly notRunnable?: (reason: string) => void;
  /** How many scenarios run at a time on sides that return promises; 1 when left out. */
  readonly lanes?: number | undefined;
  /** Ends the runs between two stretches. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs one scenario after the other on both sides, in stretches of 0.2 s. Between two stretches the event
 * loop gets a turn.
 *
 * @param scenarios gives the next scenario only after the previous one has been visited, but with `lanes` so many at a
 *   time.
 */
export async function runAll(scenarios: Iterator<Scenario>, run: RunSides, watcher: Watcher): Promise<void> {
  const guard = run.guard ?? ((stretch) => stretch());
  for (;;) {
    const rest = guard(() => runStretch(scenarios, run, watcher));
    if (rest instanceof Promise) await rest;
    else if (rest === 'done') return;
    watcher.between?.();
    await new Promise(setImmediate);
    if (watcher.signal?.aborted) return;
  }
}

/** Runs scenarios for 0.2 s. If a side returns a promise, the stretch ends with that promise, for the caller to await. */
function runStretch(
  scenarios: Iterator<Scenario>,
  run: RunSides,
  watcher: Watcher,
): 'done' | 'more' | Promise<void> {
  const end = performance.now() + MILLISECONDS_AT_A_TIME;
  do {
    const { value: scenario, done } = scenarios.next();
    if (done) return 'done';
    const traces = runBoth(run, scenario);
    if (traces instanceof Promise) return finishTogether({ scenario, traces }, scenarios, run, watcher);
    watcher.visit(scenario, traces);
  } while (performance.now() < end);
  return 'more';
}

/** A scenario that both sides run. */
interface Running {
  readonly scenario: Scenario;
  readonly traces: Sides<Trace> | Promise<Sides<Trace>>;
}

/** Starts as many scenarios as there are lanes, waits for all of them, and visits them in order. */
async function finishTogether(
  first: Running,
  scenarios: Iterator<Scenario>,
  run: RunSides,
  { visit, notRunnable, lanes = 1 }: Watcher,
): Promise<void> {
  const running = [first];
  while (running.length < lanes) {
    const { value: scenario, done } = scenarios.next();
    if (done) break;
    // Not even a side that throws at once may leave the other scenarios alone.
    running.push({ scenario, traces: Promise.resolve().then(() => runBoth(run, scenario)) });
  }
  const settled = await Promise.allSettled(running.map(({ traces }) => traces));
  for (const [index, result] of settled.entries()) {
    if (result.status === 'fulfilled') {
      visit(running[index]!.scenario, result.value);
      continue;
    }
    // A side cannot run the scenario, or the user has interrupted the run.
    const error: unknown = result.reason;
    if (error instanceof NotRunnable) notRunnable?.(error.reason);
    else if (!(error instanceof Interrupted)) throw error;
  }
}
