import { describe, expect, it } from 'vitest';
import { sameFingerprint, violationsOf } from '../../invariants/index.ts';
import type { Scenario } from '../../scenario/index.ts';
import { invariantOfRam, runMachine, unitsOf, withRam } from '../testing/machines-of-ram.ts';
import { discoveryOf } from './discovery.ts';
import { shrinkDiscovery, type ShrinkOptions } from './shrink-discovery.ts';

const INVARIANTS = [invariantOfRam('no-abort', (units) => (units >= 3 ? 'from-three' : undefined))];

/** The discovery of a machine with so many units of RAM. */
function discovery(units: number) {
  const trace = runMachine(withRam(units));
  const [violation] = violationsOf(trace, INVARIANTS);
  return discoveryOf(violation!, trace, { block: 1, case: 2, isNearMiss: false });
}

const shrunk = (options: Partial<ShrinkOptions>) =>
  shrinkDiscovery(discovery(7), {
    run: runMachine,
    invariants: INVARIANTS,
    forgiven: () => undefined,
    simplify: (scenario) => [withRam(unitsOf(scenario) - 1)],
    repetitions: 0,
    ...options,
  });

describe('a discovery that is shrunk', () => {
  it('has the smallest case, its number in the campaign, and what the run of that case showed', async () => {
    const { discovery: smallest, steps, isSmallest } = await shrunk({});
    expect({ steps, isSmallest }).toEqual({ steps: 4, isSmallest: true });
    expect(smallest).toEqual({ ...discovery(3), block: 1, case: 2, isNearMiss: false });
    expect(smallest.shown.message).toBe('3 units');
  });

  it('has the variant that the target has run, in place of the case that was asked for', async () => {
    const run = (scenario: Scenario) => runMachine(withRam(unitsOf(scenario) + 1));
    const { discovery: smallest, steps } = await shrunk({ run });
    expect(unitsOf(smallest.scenario)).toBe(3);
    expect(steps).toBe(5);
  });

  it.each([
    [true, { shown: 4, of: 4 }],
    [false, { shown: 2, of: 4 }],
  ])('is repeated where it may depend on timing (always shown: %s)', async (always, expected) => {
    let isRepeating = false;
    let turn = 0;
    const { discovery: smallest } = await shrunk({
      repetitions: 4,
      run: (scenario) => {
        // The first case that no longer shows it ends the shrinking.
        if (unitsOf(scenario) < 3) isRepeating = true;
        return runMachine(isRepeating && !always && turn++ % 2 === 0 ? withRam(1) : scenario);
      },
    });
    expect(smallest.shown.stability).toEqual(expected);
  });

  it('is not repeated after the signal', async () => {
    const { discovery: smallest, isSmallest } = await shrunk({ repetitions: 4, signal: AbortSignal.abort() });
    expect(isSmallest).toBe(false);
    expect(smallest).toEqual(discovery(7));
  });

  it('shows the same fingerprint as before', async () => {
    const { discovery: smallest } = await shrunk({});
    expect(sameFingerprint(smallest, discovery(7))).toBe(true);
  });
});
