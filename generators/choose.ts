import type * as fc from 'fast-check';

/** Draws from fast-check's random numbers: the only source of randomness in generators. */
export class Choose {
  readonly #random: fc.Random;

  constructor(random: fc.Random) {
    this.#random = random;
  }

  /** An integer from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return this.#random.nextInt(least, most);
  }

  /** A number from `least` to `most`, both included. */
  bigint(least: bigint, most: bigint): bigint {
    const span = most - least;
    // `nextInt` takes half the time of `nextBigInt`, and most spans are below 2^32.
    return span <= 0xffff_ffffn
      ? least + BigInt(this.#random.nextInt(0, Number(span)))
      : this.#random.nextBigInt(least, most);
  }

  /** True in `percent` of a hundred draws. */
  chance(percent: number): boolean {
    return this.#random.nextInt(0, 99) < percent;
  }

  /** One of `values`, all equally likely. */
  among<T>(values: readonly T[]): T {
    return values[this.#random.nextInt(0, values.length - 1)]!;
  }

  /** One of the values, each as likely as its weight says. */
  weighted<T>(...choices: readonly (readonly [weight: number, value: T])[]): T {
    let total = 0;
    for (const [weight] of choices) total += weight;
    let drawn = this.#random.nextInt(0, total - 1);
    for (const [weight, value] of choices) {
      drawn -= weight;
      if (drawn < 0) return value;
    }
    return choices[0]![1];
  }
}
