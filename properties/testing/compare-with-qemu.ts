import * as fc from 'fast-check';
import type { QemuMachineType, QemuTarget } from '../../src/qemu/index.ts';
import { encodeScenario, toJsonText, type Scenario } from '../../src/scenario/index.ts';
import type { TraceDifference } from '../../src/trace/index.ts';
import { whyNotComparable } from './why-no-qemu.ts';

/** The machines on which the model is compared with a real QEMU. */
export const MACHINES: readonly QemuMachineType[] = ['pc', 'q35', 'virt', 'pseries'];

/** How many scenarios run side by side, and how many each lane has: on vfio-user, of the same hardware. */
export const SHAPE = { lanes: 2, histories: 6 };

/** For each machine why it cannot be compared with the model here; `undefined` where it can. */
export const missingMachines = async (
  target: QemuTarget,
): Promise<ReadonlyMap<QemuMachineType, string | undefined>> =>
  new Map(
    await Promise.all(
      MACHINES.map(async (machine) => [machine, await whyNotComparable(target, machine)] as const),
    ),
  );

/** How the model and QEMU differ on a scenario, with the scenario to run again. */
export const differenceText = (scenario: Scenario, found: readonly TraceDifference[]): string =>
  [...found.map(({ message }) => message), toJsonText(encodeScenario(scenario))].join('\n');

/**
 * Draws at least `cases` scenarios in lanes of the shape `SHAPE`. Lanes run side by side, the scenarios of a lane one
 * after the other.
 *
 * @throws what `compareOne` throws, after fast-check has shrunk the lanes.
 */
export const compareLanes = (
  lanes: fc.Arbitrary<readonly (readonly Scenario[])[]>,
  { cases, seed }: { readonly cases: number; readonly seed: number },
  compareOne: (scenario: Scenario) => Promise<void>,
): Promise<void> =>
  fc.assert(
    fc.asyncProperty(lanes, async (drawn) => {
      await Promise.all(
        drawn.map(async (histories) => {
          for (const scenario of histories) await compareOne(scenario);
        }),
      );
    }),
    { numRuns: Math.ceil(cases / (SHAPE.lanes * SHAPE.histories)), seed },
  );
