import type { Scenario } from '../scenario.ts';
import { hardwareNeeds } from './hardware-needs.ts';
import type { Need } from './need.ts';
import { operationNeeds } from './operation-needs.ts';

/**
 * What the scenario needs and no machine has as firmware sets it up; empty for a scenario that a real machine can
 * show. User's choices count as real: device properties, a lock limit, a reset, plugging and unplugging.
 */
export const needsOf = (scenario: Scenario): readonly Need[] => [
  ...hardwareNeeds(scenario),
  ...operationNeeds(scenario),
];

/** Whether a real machine can show the scenario as firmware and an operating system set it up. */
export const isRealistic = (scenario: Scenario): boolean => needsOf(scenario).length === 0;

/** Sorts scenarios: those that need less beyond a real machine come first. */
export const byRealism = (a: Scenario, b: Scenario): number => needsOf(a).length - needsOf(b).length;

/** Needs that the text names; more are counted. */
const MOST_NAMED = 3;

/** `seen on a machine as firmware sets it up`, or `needs an overlay of 1 byte at 0x0`. */
export function realismText(needs: readonly Need[]): string {
  if (needs.length === 0) return 'seen on a machine as firmware sets it up';
  const named = needs.slice(0, MOST_NAMED).map(({ text }) => text);
  const more = needs.length - named.length;
  return `needs ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
