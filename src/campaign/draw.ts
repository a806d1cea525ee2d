import type * as fc from 'fast-check';
import type { Scenario } from '../scenario/index.ts';

/**
 * What a search draws at a time: one scenario, or lanes of scenarios. Lanes run side by side; the scenarios
 * of one lane run one after the other.
 */
export type Draw = Scenario | readonly (readonly Scenario[])[];

/**
 * The lanes of a draw; a single scenario is one lane.
 *
 * @param limit number of scenarios to keep, counted from the first of the first lane.
 */
export function lanesOf(draw: Draw, limit = Infinity): readonly (readonly Scenario[])[] {
  if ('devices' in draw) return [[draw]];
  let left = limit;
  return draw.map((lane) => {
    const taken = lane.slice(0, Math.max(left, 0));
    left -= taken.length;
    return taken;
  });
}

/** The arbitrary that a search draws from: single scenarios, or lanes of them. */
export type Scenarios = fc.Arbitrary<Scenario> | fc.Arbitrary<Exclude<Draw, Scenario>>;

/** The same arbitrary with the element types joined: fast-check's types do not accept a union of arbitraries. */
export const anyOf = (scenarios: Scenarios): fc.Arbitrary<Draw> => scenarios;
