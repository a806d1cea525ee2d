import { coldPlugged, toJsonLine, type Scenario } from '../scenario/index.ts';
import type { BarState, Step } from '../trace/index.ts';

/**
 * A name for the host of a scenario and the devices that it begins with. Two scenarios with the same name differ only
 * in their machine and operations.
 */
export const hardwareOf = (scenario: Scenario): string => toJsonLine([scenario.host, coldPlugged(scenario)]);

/**
 * Whether the guest can put the devices of a run back into their first state. The guest cannot where a BAR below the
 * page size was at the start of a page: QEMU grows the BAR's outer region to the page and never shrinks it again
 * (vfio_sub_page_bar_update_mapping). Nor can the guest where vectors were masked, because the target does not know
 * the earlier state of a mask.
 *
 * @param steps all steps of the run. Between the two writes of a 64-bit BAR, its offset in a page is the final one.
 */
export const canBeUndone = ({ machine, operations }: Scenario, steps: readonly Step[]): boolean =>
  operations.every(({ op }) => op !== 'mask-vector') &&
  steps.every(({ state }) =>
    state.devices.every(({ bars }) => !bars.some((bar) => fillsPage(bar, machine.hostPageSize))),
  );

const fillsPage = ({ type, size, address }: BarState, page: bigint): boolean =>
  type !== 'io' && size < page && address !== undefined && address % page === 0n;
