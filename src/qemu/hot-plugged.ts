import { coldPlugged, type Operation, type Scenario } from '../scenario/index.ts';

/**
 * The same scenario, but for devices that are there from the start: they are plugged in one after the
 * other as soon as the machine runs. So a machine that is running already can serve it.
 */
export function hotPlugged(scenario: Scenario): Scenario {
  const plugs = coldPlugged(scenario).map(({ id }): Operation => ({ op: 'hotplug', device: id }));
  return plugs.length === 0 ? scenario : { ...scenario, operations: [...plugs, ...scenario.operations] };
}

/** Whether an operation of the scenario plugs a device in or takes one away. */
export const plugsOrUnplugs = ({ operations }: Scenario): boolean =>
  operations.some(({ op }) => op === 'hotplug' || op === 'unplug');

/** Whether an operation of the scenario, the first `done` left out, takes a device away. */
export const unplugs = ({ operations }: Scenario, done = 0): boolean =>
  operations.slice(done).some(({ op }) => op === 'unplug');
