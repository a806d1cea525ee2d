/** What the index reads of a child, which is a `MemoryRegion`. */
interface Child {
  readonly address: bigint;
  readonly end: bigint;
  readonly priority: number;
  readonly enabled: boolean;
  readonly additionNumber: number;
}

/** A chunk that grows to so many regions is divided. */
const MOST_IN_CHUNK = 256;

/** Children with neighbouring addresses. */
interface Chunk<Region> {
  /** By ascending address; at the same address the one added first comes first. */
  readonly regions: Region[];
  /** The highest `end` of the regions. */
  highestEnd: bigint;
}

/**
 * The children of a container that has many: an update finds those in a window without a look at the others.
 * QEMU keeps one list in rendering order, of which each update and each insertion visits all regions.
 *
 * The regions stand in chunks by ascending address. A search skips the chunks that end below its window.
 */
export class SubregionIndex<Region extends Child> {
  readonly #chunks: Chunk<Region>[] = [];
  #additions = 0;
  #inRenderingOrder: readonly Region[] | undefined;

  /** @param regions the children in rendering order. */
  constructor(regions: readonly Region[]) {
    for (const region of regions.toReversed()) this.add(region);
  }

  /** Adds `region`, on top of children of the same priority. */
  add(region: Region): void {
    (region as { additionNumber: number }).additionNumber = this.#additions++;
    this.#insert(region);
    this.#inRenderingOrder = undefined;
  }

  /** Removes `region`, whose address and size are those with which it was added. */
  remove(region: Region): void {
    this.#takeOut(region);
    this.#inRenderingOrder = undefined;
  }

  /** Runs `change`, which changes the size of the child `region`. */
  resize(region: Region, change: () => void): void {
    this.#takeOut(region);
    change();
    this.#insert(region);
  }

  /** The children with an address in [start, end), as offsets in the container, in rendering order. */
  overlapping(start: bigint, end: bigint): readonly Region[] {
    const found: Region[] = [];
    for (const { regions, highestEnd } of this.#chunks) {
      if (highestEnd <= start) continue;
      if (regions[0]!.address >= end) break;
      for (const region of regions) {
        if (region.address >= end) break;
        if (region.end > start) found.push(region);
      }
    }
    return found.sort(compareOnTop);
  }

  /** Whether at least two children are enabled, or else the only enabled one, if there is one. */
  onlyEnabled(): Region | 'several' | undefined {
    let only: Region | undefined;
    for (const { regions } of this.#chunks) {
      for (const region of regions) {
        if (!region.enabled) continue;
        if (only !== undefined) return 'several';
        only = region;
      }
    }
    return only;
  }

  /** All children by descending priority, of equal priorities the one added last first; sorted anew after a change. */
  inRenderingOrder(): readonly Region[] {
    return (this.#inRenderingOrder ??= this.#chunks.flatMap(({ regions }) => regions).sort(compareOnTop));
  }

  #insert(region: Region): void {
    const chunk = this.#chunks[this.#chunkOf(region)];
    if (chunk === undefined) {
      this.#chunks.push({ regions: [region], highestEnd: region.end });
      return;
    }
    chunk.regions.splice(this.#placeIn(chunk, region), 0, region);
    if (region.end > chunk.highestEnd) chunk.highestEnd = region.end;
    if (chunk.regions.length === MOST_IN_CHUNK) this.#divide(chunk);
  }

  #takeOut(region: Region): void {
    const at = this.#chunkOf(region);
    const chunk = this.#chunks[at]!;
    chunk.regions.splice(this.#placeIn(chunk, region), 1);
    if (chunk.regions.length === 0) this.#chunks.splice(at, 1);
    else if (region.end === chunk.highestEnd) chunk.highestEnd = highestEndOf(chunk.regions);
  }

  #divide(chunk: Chunk<Region>): void {
    const upper = chunk.regions.splice(MOST_IN_CHUNK / 2);
    chunk.highestEnd = highestEndOf(chunk.regions);
    const at = this.#chunks.indexOf(chunk);
    this.#chunks.splice(at + 1, 0, { regions: upper, highestEnd: highestEndOf(upper) });
  }

  /** The last chunk whose first region does not come after `region`, or else the first chunk. */
  #chunkOf(region: Region): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (comesAfter(this.#chunks[middle]!.regions[0]!, region)) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  /** Where `region` stands in the chunk, or would be inserted. */
  #placeIn({ regions }: Chunk<Region>, region: Region): number {
    let low = 0;
    let high = regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comesAfter(region, regions[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The order of rendering (memory fact 1.5). */
const compareOnTop = (a: Child, b: Child): number =>
  b.priority - a.priority || b.additionNumber - a.additionNumber;

/** Whether `a` has a higher address than `b`, or the same and was added later. */
const comesAfter = (a: Child, b: Child): boolean =>
  a.address > b.address || (a.address === b.address && a.additionNumber > b.additionNumber);

const highestEndOf = (regions: readonly Child[]): bigint =>
  regions.reduce((highest, { end }) => (end > highest ? end : highest), regions[0]!.end);
