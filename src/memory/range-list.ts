import { firstEndingAbove, type Address } from '../address/index.ts';
import type { FlatRange } from './flat-range.ts';

/** A chunk that grows to so many ranges is divided. */
const MOST_IN_CHUNK = 512;
/** A chunk that an edit leaves with fewer ranges takes in the next one. */
const FEWEST_IN_CHUNK = 128;

type Chunk = readonly FlatRange[];
const NO_RANGES: Chunk = [];

/** A place in a list: between the ranges of chunk `chunk`, before its range `index`. */
export interface Place {
  readonly chunk: number;
  readonly index: number;
}

/** Ranges between two places of a list, and the ranges that come in their stead. */
export interface RangeEdit {
  readonly from: Place;
  readonly to: Place;
  readonly added: readonly FlatRange[];
}

/**
 * Sorted, disjoint flat ranges. A list never changes: an edit gives a new list, which shares every chunk
 * without a change with the old one. So an edit of 100,000 ranges copies some hundred of them. Nearly
 * all machines have a single chunk.
 */
export class RangeList {
  readonly #chunks: readonly Chunk[];
  #all: readonly FlatRange[] | undefined;

  private constructor(chunks: readonly Chunk[]) {
    this.#chunks = chunks;
  }

  /** @param ranges sorted and disjoint; the caller does not change the array afterwards. */
  static of(ranges: readonly FlatRange[]): RangeList {
    if (ranges.length <= MOST_IN_CHUNK) return new RangeList([ranges]);
    const chunks = new ChunkWriter();
    chunks.add(ranges, 0, ranges.length);
    const list = new RangeList(chunks.finish());
    list.#all = ranges;
    return list;
  }

  /** All ranges as one array: the same one at each call. The first call copies a list of several chunks. */
  get all(): readonly FlatRange[] {
    return (this.#all ??= this.#chunks.length === 1 ? this.#chunks[0]! : this.#chunks.flat());
  }

  /** The place before the first range that ends above `address`; behind the last range if none does. */
  placeOf(address: Address): Place {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (chunks[middle]!.at(-1)!.end > address) high = middle;
      else low = middle + 1;
    }
    return { chunk: low, index: firstEndingAbove(chunks[low]!, address) };
  }

  /** The range at `place`; `undefined` behind the last one. */
  at({ chunk, index }: Place): FlatRange | undefined {
    return this.#chunks[chunk]![index];
  }

  /** Adds the ranges from `from` on that start at or below `limit` to `into`, and returns the place behind them. */
  takeUpTo(limit: Address, from: Place, into: FlatRange[]): Place {
    let { chunk, index } = from;
    for (;;) {
      const ranges = this.#chunks[chunk]!;
      while (index < ranges.length && ranges[index]!.start <= limit) into.push(ranges[index++]!);
      if (index < ranges.length || chunk === this.#chunks.length - 1) return { chunk, index };
      chunk++;
      index = 0;
    }
  }

  /** The list after `edits`, which are in ascending order and do not overlap. */
  edit(edits: readonly RangeEdit[]): RangeList {
    const small = edits.every(({ added }) => added.length <= MOST_IN_CHUNK);
    if (small && this.#chunks.length === 1) return RangeList.of(spliced(this.#chunks[0]!, edits));
    const writer = new ChunkWriter();
    let kept: Place = { chunk: 0, index: 0 };
    for (const { from, to, added } of edits) {
      this.#copy(kept, from, writer);
      writer.add(added, 0, added.length);
      kept = to;
    }
    const last = this.#chunks.length - 1;
    this.#copy(kept, { chunk: last, index: this.#chunks[last]!.length }, writer);
    return new RangeList(writer.finish());
  }

  #copy(from: Place, to: Place, writer: ChunkWriter): void {
    for (let { chunk, index } = from; chunk <= to.chunk; chunk++, index = 0) {
      const ranges = this.#chunks[chunk]!;
      writer.add(ranges, index, chunk === to.chunk ? to.index : ranges.length);
    }
  }
}

/** A copy of a single chunk with the edits in it. */
function spliced(ranges: Chunk, edits: readonly RangeEdit[]): Chunk {
  const copy = ranges.slice();
  // From the last edit on, so that the places of the earlier ones stay right.
  for (let index = edits.length - 1; index >= 0; index--) {
    const { from, to, added } = edits[index]!;
    copy.splice(from.index, to.index - from.index, ...added);
  }
  return copy;
}

/** Writes ranges into chunks. A whole chunk of another list is shared, not copied. */
class ChunkWriter {
  readonly #chunks: Chunk[] = [];
  #open: FlatRange[] = [];

  /** Adds the ranges from index `from` to, but not including, index `to`. */
  add(ranges: Chunk, from: number, to: number): void {
    const open = this.#open;
    const isChunk = from === 0 && to === ranges.length && to >= FEWEST_IN_CHUNK && to <= MOST_IN_CHUNK;
    if (isChunk && (open.length === 0 || open.length >= FEWEST_IN_CHUNK)) {
      this.#close();
      this.#chunks.push(ranges);
      return;
    }
    for (let index = from; index < to; index++) {
      open.push(ranges[index]!);
      // The half that stays open is large enough for the next chunk to be shared again.
      if (open.length === MOST_IN_CHUNK) this.#chunks.push(open.splice(0, MOST_IN_CHUNK / 2));
    }
  }

  /** The chunks: at least one, and none of them is empty unless the list is. */
  finish(): readonly Chunk[] {
    this.#close();
    return this.#chunks.length === 0 ? [NO_RANGES] : this.#chunks;
  }

  #close(): void {
    if (this.#open.length === 0) return;
    this.#chunks.push(this.#open);
    this.#open = [];
  }
}
