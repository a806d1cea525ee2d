import { encodeScenario, toJsonLine, type Scenario } from '../scenario/index.ts';
import { NotRunnable, type Trace } from '../trace/index.ts';
import { Interrupted } from './interruptible.ts';
import type { RunScenario } from './run-scenario.ts';
import type { SearchResult } from './search-result.ts';

/** The target threw an exception that says nothing about the scenario. */
export class TargetFailed extends Error {
  override readonly name = 'TargetFailed';
  /** What the search had found before; nothing where a single case was run. */
  readonly result: SearchResult | undefined;

  /** @param scenario the case that led to the exception. */
  constructor(scenario: Scenario, cause: unknown, result?: SearchResult) {
    super(`the case ${toJsonLine(encodeScenario(scenario))} could not be run`, { cause });
    this.result = result;
  }
}

/** A run in which the target threw an exception. */
export interface FailedRun {
  readonly kind: 'failed';
  readonly scenario: Scenario;
  readonly error: unknown;
}

/** The trace of a scenario, the reason why the target cannot run the scenario, or what came between. */
export type Result =
  | { readonly kind: 'run'; readonly trace: Trace }
  | { readonly kind: 'not-run'; readonly reason: string }
  | { readonly kind: 'interrupted' }
  | FailedRun;

/** Runs a scenario; exceptions of the target become results. */
export async function runIfPossible(run: RunScenario, scenario: Scenario): Promise<Result> {
  try {
    const running = run(scenario);
    return { kind: 'run', trace: running instanceof Promise ? await running : running };
  } catch (error) {
    if (error instanceof NotRunnable) return { kind: 'not-run', reason: error.reason };
    return error instanceof Interrupted ? { kind: 'interrupted' } : { kind: 'failed', scenario, error };
  }
}
