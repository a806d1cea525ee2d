import { coldPlugged, toJsonLine, type Scenario } from '../scenario/index.ts';
import type { BarState, Step } from '../trace/index.ts';

/**
 * A name for the devices that a scenario begins with, on their host: two scenarios with the same name differ
 * in what happens to the devices only.
 */
export const hardwareOf = (scenario: Scenario): string => toJsonLine([scenario.host, coldPlugged(scenario)]);

/**
 * Whether the guest can undo what a run has done to its devices. It cannot where a BAR below the page size has
 * been at a page's beginning: its outer region is as large as the page from then on
 * (vfio_sub_page_bar_update_mapping). And which vectors were masked is not to be seen from outside.
 *
 * @param steps all that were seen. Between the writes of two halves a BAR lies in its page as after both.
 */
export const canBeUndone = ({ machine, operations }: Scenario, steps: readonly Step[]): boolean =>
  operations.every(({ op }) => op !== 'mask-vector') &&
  steps.every(({ state }) =>
    state.devices.every(({ bars }) => !bars.some((bar) => fillsPage(bar, machine.hostPageSize))),
  );

const fillsPage = ({ type, size, address }: BarState, page: bigint): boolean =>
  type !== 'io' && size < page && address !== undefined && address % page === 0n;
