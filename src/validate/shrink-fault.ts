import type * as fc from 'fast-check';
import type { Scenario } from '../scenario/index.ts';
import { FaultyRun, tookTooLong, type PatchedRun } from './patched-run.ts';

/**
 * Shrinks the case of a faulty run as long as the same rule is at fault. A run that was stopped because it took
 * too long is not shrunk: every smaller case might take as long.
 *
 * @param scenarios the arbitrary that gives the simpler scenarios for a scenario.
 */
export function shrinkFault(
  first: FaultyRun,
  { run, guard }: PatchedRun,
  scenarios: fc.Arbitrary<Scenario>,
): FaultyRun {
  if (tookTooLong(first)) return first;
  let smallest = first;
  try {
    for (let smaller: FaultyRun | undefined = first; smaller !== undefined;) {
      smallest = smaller;
      smaller = guard(() => firstSmaller(smallest, run, scenarios));
    }
  } catch (error) {
    if (!(error instanceof FaultyRun)) throw error;
  }
  return smallest;
}

function firstSmaller(
  { scenario, fault: { rule } }: FaultyRun,
  run: PatchedRun['run'],
  scenarios: fc.Arbitrary<Scenario>,
): FaultyRun | undefined {
  for (const { value } of scenarios.shrink(scenario, undefined)) {
    try {
      run(value);
    } catch (error) {
      if (error instanceof FaultyRun && error.fault.rule === rule) return error;
    }
  }
  return undefined;
}
