import { toJsonLine, type Scenario } from '../scenario/index.ts';
import {
  spread,
  surroundingsOf,
  type CaseLists,
  type ChangedFunctionRuns,
  type FurtherDraw,
} from '../validate/index.ts';

/** A changed function with the surroundings of the runs that came to it. */
export interface FunctionReach extends Pick<ChangedFunctionRuns, 'name'> {
  readonly compiled: boolean;
  readonly surroundings: readonly string[];
}

/** What the runs so far came to. */
export interface RunsSoFar {
  readonly functions: readonly FunctionReach[];
  /** The surroundings of all runs. */
  readonly surroundings: readonly string[];
}

/** A function that fewer runs came to is looked for with further cases. */
const SELDOM = 5;
/** The most cases of a round. */
const MOST_CASES = 30;

/**
 * Chooses further cases where the changed functions ran seldom: in the first round of all surroundings alike, in the
 * second of those in which such a function ran.
 */
export class FurtherCases {
  readonly #look: () => Promise<RunsSoFar>;
  #round = 0;
  #told: FurtherDraw | undefined;
  /** The cases of the rounds so far. */
  readonly #used = new Set<string>();

  /** @param look tells what the runs so far came to. */
  constructor(look: () => Promise<RunsSoFar>) {
    this.#look = look;
  }

  /** What was drawn, and for which functions; nothing where all of them ran often. */
  get told(): FurtherDraw | undefined {
    return this.#told;
  }

  /** @param pool cases to choose from; a list of which an earlier round took a case is left out. @returns none where there is nothing more to look for. */
  async choose(pool: CaseLists): Promise<readonly Scenario[]> {
    const { functions, surroundings } = await this.#look();
    const seldom = functions.filter((one) => one.compiled && one.surroundings.length < SELDOM);
    const where = new Set(seldom.flatMap((one) => one.surroundings));
    this.#round++;
    const isKnown = ([first]: readonly Scenario[]): boolean => where.has(surroundingsOf(first!));
    const isNew = ([first]: readonly Scenario[]): boolean => !this.#used.has(toJsonLine(first!));
    const lists = this.#round === 1 ? pool : pool.filter((list) => isKnown(list) && isNew(list));
    if (seldom.length === 0 || this.#round > 2) return [];
    const cases = spread(lists, surroundings, MOST_CASES);
    for (const one of cases) this.#used.add(toJsonLine(one));
    const { functions: before = [], cases: earlier = 0 } = this.#told ?? {};
    const names = [...new Set([...before, ...seldom.map(({ name }) => name)])];
    if (cases.length > 0) this.#told = { cases: earlier + cases.length, functions: names };
    return cases;
  }
}
