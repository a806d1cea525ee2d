import { isColdPlugged, type Scenario } from '../../scenario/index.ts';

/**
 * A name for the devices that a scenario begins with, on their host: two scenarios with the same name differ
 * in what happens to the devices only.
 */
export const hardwareOf = (scenario: Scenario): string =>
  JSON.stringify([scenario.host, scenario.devices.filter(({ id }) => isColdPlugged(scenario, id))], plain);

/**
 * Whether the guest can undo what a scenario does to its devices. It cannot where a BAR below the page size
 * was programmed: once it has been at a page's beginning, its outer region is as large as the page for ever
 * (vfio_sub_page_bar_update_mapping). And which vectors were masked is not to be seen from outside.
 */
export const canBeUndone = ({ machine, devices, operations }: Scenario): boolean =>
  operations.every((operation) => {
    if (operation.op === 'mask-vector') return false;
    if (operation.op !== 'set-bar') return true;
    const bar = devices
      .find(({ id }) => id === operation.device)
      ?.bars.find(({ index }) => index === operation.bar);
    return bar === undefined || bar.type === 'io' || bar.size >= machine.hostPageSize;
  });

const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);
