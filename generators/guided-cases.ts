import * as fc from 'fast-check';
import type { Scenario } from '../src/scenario/index.ts';
import { arbitrary } from './arbitrary.ts';
import { mutateScenario } from './mutate-scenario.ts';
import { wordsOf } from './scenario-words.ts';

/**
 * How many scenarios are drawn for each case. More find rare bugs in fewer cases, and take longer: with 16 a case on the
 * model takes four times as long as without guidance. On a real QEMU a scenario takes a thousand times as long as its draw.
 */
const DRAWN_PER_CASE = 16;
/** How many scenarios beside these are mutations of earlier cases that showed a new behaviour. */
const MUTATED_PER_CASE = 2;
/** How many of the last scenarios that showed a new behaviour are mutated: the later one came, the rarer what it showed. */
const RECENT = 32;

/**
 * Cases that differ from earlier ones: of several scenarios each case is the one whose words (`wordsOf`) earlier cases
 * have used least. Most are drawn as without guidance; some are mutations of cases that showed a new behaviour. The cases
 * depend on the seed and on what `learn` was told.
 */
export class GuidedCases {
  readonly #drawn: fc.Arbitrary<Scenario>;
  readonly #seeds: Iterator<number>;
  readonly #kept: Scenario[];
  /** In how many cases a word was used. */
  readonly #uses = new Map<string, number>();

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
    this.#drawn = drawn;
    this.#seeds = fc.sample(fc.integer(), { seed, numRuns: size }).values();
    this.#kept = [...kept];
  }

  /** The scenarios that showed a new behaviour, in order. */
  get kept(): readonly Scenario[] {
    return this.#kept;
  }

  next(): Scenario | undefined {
    const { value: seed, done } = this.#seeds.next();
    if (done === true) return undefined;
    const scenarios = [
      ...fc.sample(this.#drawn, { seed, numRuns: DRAWN_PER_CASE }),
      ...(this.#kept.length === 0 ? [] : fc.sample(this.#mutated(), { seed, numRuns: MUTATED_PER_CASE })),
    ];
    const [first, ...others] = scenarios.map((scenario) => ({ scenario, words: wordsOf(scenario) }));
    let rarest = { ...first!, rarity: this.#rarityOf(first!.words) };
    for (const other of others) {
      const rarity = this.#rarityOf(other.words);
      if (rarity > rarest.rarity) rarest = { ...other, rarity };
    }
    for (const word of rarest.words) this.#uses.set(word, (this.#uses.get(word) ?? 0) + 1);
    return rarest.scenario;
  }

  learn(scenario: Scenario, isNew: boolean): void {
    if (isNew) this.#kept.push(scenario);
  }

  #mutated(): fc.Arbitrary<Scenario> {
    const kept = this.#kept;
    return arbitrary(
      (choose) => mutateScenario(choose, choose.among(kept.slice(-RECENT)), choose.among(kept)),
      () => [],
    );
  }

  /** From 0 to 1: the mean of the words. A sum would prefer long scenarios, which take longer to run. */
  #rarityOf(words: ReadonlySet<string>): number {
    let sum = 0;
    for (const word of words) sum += 1 / (1 + (this.#uses.get(word) ?? 0));
    return sum / words.size;
  }
}
