import { firstEndingAbove, type Range } from '../address/index.ts';

interface Entry<Value> extends Range {
  readonly value: Value;
}

/**
 * Values, each keyed by a non-empty range of addresses that no other value's range overlaps; kept by
 * rising address in one array. A container has a few dozen of them; even the 65,535 that type1 allows
 * are inserted in well under a second when they come in rising order.
 */
export class DisjointRanges<Value> {
  readonly #entries: Entry<Value>[] = [];
  #snapshot: readonly Value[] | undefined;

  /** How many values there are. */
  get size(): number {
    return this.#entries.length;
  }

  /**
   * Adds `value` at `range`.
   *
   * @throws RangeError when `range` is empty or not free: the caller has not made its checks.
   */
  insert({ start, end }: Range, value: Value): void {
    if (start >= end) throw new RangeError('an empty range cannot hold a value');
    const position = firstEndingAbove(this.#entries, start);
    const next = this.#entries[position];
    if (next !== undefined && next.start < end) throw new RangeError('the range is not free');
    if (next === undefined) this.#entries.push({ start, end, value });
    else this.#entries.splice(position, 0, { start, end, value });
    this.#snapshot = undefined;
  }

  /** Removes the value whose range begins at `start`, and returns it; `undefined` when there is none. */
  remove(start: bigint): Value | undefined {
    const position = firstEndingAbove(this.#entries, start);
    const entry = this.#entries[position];
    if (entry?.start !== start) return undefined;
    this.#entries.splice(position, 1);
    this.#snapshot = undefined;
    return entry.value;
  }

  /** Removes `count` values that follow one another, the first of which begins at `start`. */
  removeRun(start: bigint, count: number): void {
    this.#entries.splice(firstEndingAbove(this.#entries, start), count);
    this.#snapshot = undefined;
  }

  /** Removes everything. */
  clear(): void {
    this.#entries.length = 0;
    this.#snapshot = undefined;
  }

  /** The lowest value that shares an address with `[start, end)`, which is not empty. */
  firstOverlapping(start: bigint, end: bigint): Value | undefined {
    const entry = this.#entries[firstEndingAbove(this.#entries, start)];
    return entry !== undefined && entry.start < end ? entry.value : undefined;
  }

  /** Every value that shares an address with `[start, end)`, which is not empty, by rising address. */
  overlapping(start: bigint, end: bigint): Value[] {
    const found: Value[] = [];
    for (let position = firstEndingAbove(this.#entries, start); ; position++) {
      const entry = this.#entries[position];
      if (entry === undefined || entry.start >= end) return found;
      found.push(entry.value);
    }
  }

  /** All values by rising address: an array that never changes, the same one until something does. */
  snapshot(): readonly Value[] {
    this.#snapshot ??= this.#entries.map(({ value }) => value);
    return this.#snapshot;
  }
}
