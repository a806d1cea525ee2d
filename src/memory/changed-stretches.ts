import { joinRanges, type Range } from '../address/index.ts';

/** So many stretches are kept apart at most. */
const MOST_STRETCHES = 64;

const NO_STRETCHES: readonly Range[] = [];

/** The stretches of an address space in which its view has changed since they were last taken. */
export class ChangedStretches {
  #stretches: Range[] = [];

  /** Adds the addresses of a change. */
  add(stretch: Range): void {
    this.#stretches.push(stretch);
    // A caller that takes the stretches does so after each operation; a space without such a caller collects few.
    if (this.#stretches.length > MOST_STRETCHES) this.#stretches = shortened(this.#stretches);
  }

  /**
   * The stretches since the last call: sorted, disjoint, with a gap between any two. Outside them the view
   * holds the same ranges as at the last call; inside them it may hold the same ranges again.
   */
  take(): readonly Range[] {
    const taken = this.#stretches;
    if (taken.length === 0) return NO_STRETCHES;
    this.#stretches = [];
    return taken.length === 1 ? taken.map(({ start, end }) => ({ start, end })) : joinRanges(taken);
  }
}

/** The stretches joined; all of them in one if they are still many. */
function shortened(stretches: readonly Range[]): Range[] {
  const result = joinRanges(stretches);
  const [first, last] = [result[0]!, result.at(-1)!];
  return result.length <= MOST_STRETCHES / 2 ? [...result] : [{ start: first.start, end: last.end }];
}
