import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { servedHistories, servedScenarios } from '../generators/index.ts';
import { differences, type TraceDifference } from '../src/trace/index.ts';
import { runOnModel } from '../src/model/index.ts';
import { QemuTarget } from '../src/qemu/index.ts';
import type { Scenario } from '../src/scenario/index.ts';
import { findRevision } from '../src/vfio/index.ts';
import {
  MACHINES,
  SHAPE,
  compareLanes,
  differenceText,
  missingMachines,
} from './testing/compare-with-qemu.ts';

/** How many scenarios run on each machine. `BARPROOF_CASES` sets another number. */
const CASES = Number(process.env['BARPROOF_CASES'] ?? 96);
/** The seed of the scenarios. `BARPROOF_SEED` sets another one. */
const SEED = Number(process.env['BARPROOF_SEED'] ?? 20_261);
/** A slow start, a death and a second run take less. */
const MILLISECONDS_A_CASE = 2_000;

const qemu111 = findRevision('qemu-11.1')!;
const target = new QemuTarget({ reuse: true, contain: true, maxProcesses: 6 });
afterAll(() => target.close());

const missing = await missingMachines(target);

/** The differences between the traces of the model and of QEMU. */
async function compare(scenario: Scenario): Promise<readonly TraceDifference[]> {
  const trace = await target.run(scenario);
  return differences(runOnModel(trace.scenario, qemu111), trace);
}

describe.each(MACHINES)('the model at qemu-11.1 and a real QEMU 11.1 agree on %s', (machine) => {
  const reason = missing.get(machine);
  it.skipIf(reason !== undefined)(
    reason === undefined ? `in ${CASES} generated scenarios` : `in generated scenarios (skipped: ${reason})`,
    async () => {
      const outcomes = new Map<string, number>();
      const skipped = new Map<string, number>();
      const compareOne = async (scenario: Scenario): Promise<void> => {
        const why = await target.whyNot(scenario);
        if (why !== undefined) {
          skipped.set(why, (skipped.get(why) ?? 0) + 1);
          return;
        }
        const trace = await target.run(scenario);
        outcomes.set(trace.outcome, (outcomes.get(trace.outcome) ?? 0) + 1);
        const found = differences(runOnModel(trace.scenario, qemu111), trace);
        if (found.length > 0) throw new Error(differenceText(trace.scenario, found));
      };
      await compareLanes(servedHistories(SHAPE, machine), { cases: CASES, seed: SEED }, compareOne);
      for (const [why, count] of skipped) console.warn(`${machine}: ${count} scenarios skipped: ${why}`);
      // The comparison means little unless most scenarios end well.
      expect(outcomes.get('ok') ?? 0).toBeGreaterThan(
        (CASES - [...skipped.values()].reduce((a, b) => a + b, 0)) / 2,
      );
    },
    CASES * MILLISECONDS_A_CASE + 30_000,
  );
});

describe('a wrong model', () => {
  const reason = missing.get('q35');
  it.skipIf(reason !== undefined)(
    'differs from a real QEMU in a scenario that shrinks to one device and at most three operations',
    async () => {
      const wrong = {
        ...qemu111,
        listener: { ...qemu111.listener, mapsDeviceMemory: () => true },
      };
      const details = await fc.check(
        fc.asyncProperty(servedScenarios('q35'), async (scenario) => {
          const trace = await target.run(scenario);
          return differences(runOnModel(trace.scenario, wrong), trace).length === 0;
        }),
        { numRuns: 400, seed: SEED, interruptAfterTimeLimit: 90_000, markInterruptAsFailure: false },
      );
      expect(details.failed).toBe(true);
      const [scenario] = details.counterexample!;
      expect(scenario.devices.length).toBe(1);
      expect(scenario.operations.length).toBeLessThanOrEqual(3);
      expect(await compare(scenario)).toEqual([]);
    },
    150_000,
  );
});
