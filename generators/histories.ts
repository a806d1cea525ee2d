import type { Scenario } from '../src/scenario/index.ts';

/** How many lists of scenarios are drawn at a time, and how many scenarios a list has. */
export interface HistoriesShape {
  /** Number of lists, each with hardware of its own; 1 or more. */
  readonly lanes: number;
  /** Number of scenarios in a list; 1 or more. */
  readonly histories: number;
  /** Whether to draw only scenarios that a real machine can show; false by default. */
  readonly realistic?: boolean;
}

/** Simpler lists: first each scenario alone; then what `simplify` makes of the only scenario. */
export const simplifyHistories = (simplify: (scenario: Scenario) => Generator<Scenario>) =>
  function* (lanes: readonly (readonly Scenario[])[]): Generator<readonly (readonly Scenario[])[]> {
    const [first, ...others] = lanes.flat();
    if (first === undefined) return;
    if (others.length > 0) for (const scenario of [first, ...others]) yield [[scenario]];
    else for (const simpler of simplify(first)) yield [[simpler]];
  };
