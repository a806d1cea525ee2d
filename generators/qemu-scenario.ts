import type * as fc from 'fast-check';
import {
  DEVICE_WAYS,
  wayOf,
  type DeviceWay,
  type MachinesByWay,
  type Scenario,
} from '../src/scenario/index.ts';
import { arbitrary } from './arbitrary.ts';
import type { Choose } from './choose.ts';
import { simplifyHistories, type HistoriesShape } from './histories.ts';
import { chooseForKernel, chooseKernelHistories, simplifyForKernel } from './kernel-scenario.ts';
import { chooseServed, chooseServedHistories, simplifyServed } from './served-scenario.ts';

/**
 * Scenarios that a real QEMU can run: served over vfio-user, or on the kernel's own interface. Each way that has machines
 * is as frequent as the other.
 *
 * @param options `realistic` draws only scenarios that a real machine can show as firmware sets it up.
 */
export const qemuScenarios = (
  machines: MachinesByWay,
  { realistic = false }: { readonly realistic?: boolean } = {},
): fc.Arbitrary<Scenario> =>
  arbitrary((choose) => {
    const way = chooseWay(choose, machines);
    const constraints = { machineTypes: machines[way], realistic };
    return way === 'kernel' ? chooseForKernel(choose, constraints) : chooseServed(choose, constraints);
  }, simplifyQemuScenario);

/**
 * Many scenarios of `qemuScenarios` at a time, in lists that run side by side. The scenarios of a list share their
 * hardware and differ only in their operations. All lists shrink to one scenario.
 */
export const qemuHistories = (
  shape: HistoriesShape,
  machines: MachinesByWay,
): fc.Arbitrary<readonly (readonly Scenario[])[]> =>
  arbitrary(
    (choose) =>
      Array.from({ length: shape.lanes }, () => {
        const way = chooseWay(choose, machines);
        const chooseList = way === 'kernel' ? chooseKernelHistories : chooseServedHistories;
        return chooseList(choose, shape, machines[way]);
      }),
    simplifyHistories(simplifyQemuScenario),
  );

function chooseWay(choose: Choose, machines: MachinesByWay): DeviceWay {
  const ways = DEVICE_WAYS.filter((way) => machines[way].length > 0);
  // A single way takes no choice, so that a seed gives the same scenarios as without the other.
  return ways.length === 1 ? ways[0]! : choose.among(ways);
}

/** Simpler scenarios that a real QEMU can run as well, best first. */
export const simplifyQemuScenario = (scenario: Scenario): Generator<Scenario> =>
  wayOf(scenario) === 'vfio-user' ? simplifyServed(scenario) : simplifyForKernel(scenario);
