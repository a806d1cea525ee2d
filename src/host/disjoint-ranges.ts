import { firstEndingAbove, type Range } from '../address/index.ts';

interface Entry<Value> extends Range {
  readonly value: Value;
}

/**
 * Values, each with a non-empty range of addresses; no two ranges overlap. One array keeps them by rising
 * address. A container has a few dozen. Inserting the 65,535 that type1 allows takes well under a second if
 * their addresses rise.
 */
export class DisjointRanges<Value> {
  readonly #entries: Entry<Value>[] = [];
  #snapshot: readonly Value[] | undefined;

  /** The number of values. */
  get size(): number {
    return this.#entries.length;
  }

  /**
   * Adds `value` at `range`.
   *
   * @throws RangeError when `range` is empty or not free. The caller has to check that first.
   */
  insert({ start, end }: Range, value: Value): void {
    if (start >= end) throw new RangeError('an empty range cannot hold a value');
    const position = firstEndingAbove(this.#entries, start);
    const next = this.#entries[position];
    if (next !== undefined && next.start < end) throw new RangeError('the range is not free');
    this.#entries.splice(position, 0, { start, end, value });
    this.#snapshot = undefined;
  }

  /** Removes and returns the value whose range begins at `start`; `undefined` if none does. */
  remove(start: bigint): Value | undefined {
    const position = firstEndingAbove(this.#entries, start);
    const entry = this.#entries[position];
    if (entry?.start !== start) return undefined;
    this.#entries.splice(position, 1);
    this.#snapshot = undefined;
    return entry.value;
  }

  /** Removes `count` neighbouring values; the range of the first begins at `start`. */
  removeRun(start: bigint, count: number): void {
    this.#entries.splice(firstEndingAbove(this.#entries, start), count);
    this.#snapshot = undefined;
  }

  /** Removes all values. */
  clear(): void {
    this.#entries.length = 0;
    this.#snapshot = undefined;
  }

  /** The lowest value whose range shares an address with `[start, end)`; that range must not be empty. */
  firstOverlapping(start: bigint, end: bigint): Value | undefined {
    const entry = this.#entries[firstEndingAbove(this.#entries, start)];
    return entry !== undefined && entry.start < end ? entry.value : undefined;
  }

  /**
   * The values whose ranges share an address with `[start, end)`, by rising address; that range must not be
   * empty.
   */
  overlapping(start: bigint, end: bigint): Value[] {
    const found: Value[] = [];
    for (let position = firstEndingAbove(this.#entries, start); ; position++) {
      const entry = this.#entries[position];
      if (entry === undefined || entry.start >= end) return found;
      found.push(entry.value);
    }
  }

  /** All values by rising address: a constant array, the same one until a value is added or removed. */
  snapshot(): readonly Value[] {
    this.#snapshot ??= this.#entries.map(({ value }) => value);
    return this.#snapshot;
  }
}
