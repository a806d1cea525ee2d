import { coldPlugged, type Operation, type Scenario } from '../scenario/index.ts';

/**
 * The same scenario with the devices from the start plugged in while the machine runs, one after the other, before
 * all other operations. A machine that runs already can carry out this scenario.
 */
export function hotPlugged(scenario: Scenario): Scenario {
  const plugs = coldPlugged(scenario).map(({ id }): Operation => ({ op: 'hotplug', device: id }));
  return plugs.length === 0 ? scenario : { ...scenario, operations: [...plugs, ...scenario.operations] };
}

/** Whether the scenario plugs or unplugs a device while the machine runs. */
export const plugsOrUnplugs = ({ operations }: Scenario): boolean =>
  operations.some(({ op }) => op === 'hotplug' || op === 'unplug');

/** Whether an operation of the scenario unplugs a device. @param done how many operations are left out. */
export const unplugs = ({ operations }: Scenario, done = 0): boolean =>
  operations.slice(done).some(({ op }) => op === 'unplug');
