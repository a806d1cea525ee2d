/** The part of a budget that one finding may have; there are rarely more than a few findings. */
const LARGEST_SHARE = 0.25;
/** What a finding gets in any case: even a few tries leave out most of a drawn case. */
const SMALLEST_SHARE = 12;

/** How many smaller cases may still be tried, over all findings of a verdict. */
export class TryBudget {
  readonly #total: number;
  #left: number;

  /** @param total number of tries; Infinity where they cost nothing. */
  constructor(total = Infinity) {
    this.#total = total;
    this.#left = total;
  }

  /** @returns a function that takes one try of a new share, and says whether there was one. */
  share(): () => boolean {
    let own = Math.max(SMALLEST_SHARE, Math.min(this.#left, this.#total * LARGEST_SHARE));
    return () => {
      if (own <= 0) return false;
      own--;
      this.#left--;
      return true;
    };
  }
}
