import type { Scenario } from '../scenario/index.ts';

/**
 * What is drawn at a time: a scenario, or lanes of them that run side by side. Those of one lane run one after
 * the other.
 */
export type Draw = Scenario | readonly (readonly Scenario[])[];

/** The lanes of a draw, `most` scenarios at most: the first of the first lanes. */
export function lanesOf(draw: Draw, most = Infinity): readonly (readonly Scenario[])[] {
  if ('devices' in draw) return [[draw]];
  let left = most;
  return draw.map((lane) => {
    const taken = lane.slice(0, Math.max(left, 0));
    left -= taken.length;
    return taken;
  });
}
