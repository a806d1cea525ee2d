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
    for (let index = 0; index < choices.length; index++) total += choices[index]![0];
    let drawn = this.#random.nextInt(0, total - 1);
    let index = 0;
    for (; drawn >= choices[index]![0]; index++) drawn -= choices[index]![0];
    return choices[index]![1];
  }

  /** A list of `count` values, each made by a call of `make`. */
  list<T>(count: number, make: (index: number) => T): T[] {
    const values: T[] = [];
    for (let index = 0; index < count; index++) values.push(make(index));
    return values;
  }
}
