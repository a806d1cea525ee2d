import * as fc from 'fast-check';
import type { Scenario } from '../src/scenario/index.ts';
import { arbitrary } from './arbitrary.ts';
import { mutateScenario } from './mutate-scenario.ts';

/** How many of a hundred cases are mutated from earlier ones that showed a new behaviour. */
const MUTATED_SHARE = 50;

/** How many of the last scenarios that showed a new behaviour are mutated: the later one came, the rarer what it showed. */
const RECENT = 32;

/**
 * Cases that learn from what earlier cases showed: those with a new behaviour are kept and mutated. The other cases are
 * drawn as without guidance. The cases depend on the seed and on what `learn` was told.
 */
export class GuidedCases {
  readonly #drawn: Iterator<Scenario>;
  readonly #seeds: Iterator<number>;
  readonly #kept: Scenario[];
  #left: number;

  /**
   * @param drawn the arbitrary of the cases that are not mutated.
   * @param kept scenarios to mutate from the beginning.
   */
  constructor(
    drawn: fc.Arbitrary<Scenario>,
    {
      seed,
      size,
      kept = [],
    }: { readonly seed: number; readonly size: number; readonly kept?: readonly Scenario[] },
  ) {
    this.#drawn = fc.sample(drawn, { seed, numRuns: size }).values();
    this.#seeds = fc.sample(fc.integer(), { seed, numRuns: size }).values();
    this.#kept = [...kept];
    this.#left = size;
  }

  /** The scenarios that showed a new behaviour, in order. */
  get kept(): readonly Scenario[] {
    return this.#kept;
  }

  next(): Scenario | undefined {
    if (this.#left-- <= 0) return undefined;
    const kept = this.#kept;
    const mutated = arbitrary<Scenario | undefined>(
      (choose) =>
        kept.length > 0 && choose.chance(MUTATED_SHARE)
          ? mutateScenario(choose, choose.among(kept.slice(-RECENT)), choose.among(kept))
          : undefined,
      () => [],
    );
    const [chosen] = fc.sample(mutated, { seed: this.#seeds.next().value!, numRuns: 1 });
    return chosen ?? this.#drawn.next().value!;
  }

  learn(scenario: Scenario, isNew: boolean): void {
    if (isNew) this.#kept.push(scenario);
  }
}
