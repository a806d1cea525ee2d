import type * as fc from 'fast-check';
import type { Scenario } from '../scenario/index.ts';
import { FaultyRun, tookTooLong, type PatchedRun } from './patched-run.ts';

/**
 * Makes the case smaller in which a patch misbehaves, as long as the same rule does. A run that does not
 * come back is left as it is: every smaller one would take as long.
 *
 * @param scenarios knows what is simpler than a given case.
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
