import type { Offset } from '../../address/index.ts';
import {
  type RegionKind,
  parseFlatViews,
  type FlatRangeText,
  type FlatViewText,
} from '../../memory/index.ts';
import type { TraceRange, TraceRegion } from '../../trace/index.ts';

/** What `info mtree -f -o` says, as far as a trace has it. */
export interface ReadViews {
  /** System memory as the CPU sees it. */
  readonly memory: readonly TraceRange[];
  /** The space of the first sPAPR host bridge, or system memory where there is none. */
  readonly dma: readonly TraceRange[];
}

/** Turns the text into ranges. A text like the one before gives the same objects. */
export class FlatViewReader {
  readonly #rename: (text: string) => string;
  readonly #ownerOf: (qemuId: string) => string | undefined;
  readonly #regions = new Map<string, TraceRegion>();
  #lastText: string | undefined;
  #last: ReadViews | undefined;

  /**
   * @param rename from QEMU's names to those of the scenario: a vfio-user device is called by its socket.
   * @param ownerOf the scenario's device that has this id in QEMU.
   */
  constructor(rename: (text: string) => string, ownerOf: (qemuId: string) => string | undefined) {
    this.#rename = rename;
    this.#ownerOf = ownerOf;
  }

  read(text: string): ReadViews {
    if (text === this.#lastText) return this.#last!;
    const views = parseFlatViews(viewsOf(text));
    const memoryView = findSpace(views, (name) => name === 'memory');
    if (memoryView === undefined) throw new Error('info mtree -f shows no address space "memory"');
    const bridge = findSpace(views, (name) => /^pci@[0-9a-f]+$/.test(name));
    const memory = this.#same(memoryView.ranges, this.#last?.memory);
    const dma = bridge === undefined ? memory : this.#same(bridge.ranges, this.#last?.dma);
    this.#lastText = text;
    this.#last = this.#last?.memory === memory && this.#last.dma === dma ? this.#last : { memory, dma };
    return this.#last;
  }

  /** The ranges; those that were there before are the same objects, and so is the list if nothing is new. */
  #same(texts: readonly FlatRangeText[], before: readonly TraceRange[] = []): readonly TraceRange[] {
    const known = new Map(before.map((range) => [range.start as bigint, range]));
    const ranges = texts.map((text) => {
      const range = this.#range(text);
      const old = known.get(range.start);
      return old !== undefined && sameRange(old, range) ? old : range;
    });
    return ranges.length === before.length && ranges.every((range, index) => range === before[index])
      ? before
      : ranges;
  }

  #range({
    start,
    end,
    priority,
    type,
    nonvolatile,
    name,
    offset,
    owner,
    parent,
  }: FlatRangeText): TraceRange {
    const kind = name.startsWith(TCE_WINDOW) ? 'iommu' : KINDS[type];
    const identity = `${name}\0${kind}\0${owner ?? ''}\0${parent ?? ''}`;
    let region = this.#regions.get(identity);
    if (region === undefined) {
      const id = /\bid=(\S+)/.exec(owner ?? parent ?? '')?.[1];
      region = { name: this.#rename(name), owner: id === undefined ? undefined : this.#ownerOf(id), kind };
      this.#regions.set(identity, region);
    }
    return {
      start,
      end: end + 1n,
      region,
      offset: offset as Offset,
      readonly: type === 'rom',
      nonvolatile,
      // The text does not tell; only memory that virtio-mem hands out is so.
      unmergeable: false,
      romdMode: type === 'romd',
      priority,
      contained: type !== 'container',
    };
  }
}

/** Behind regions of this name an emulated IOMMU translates; the text has no word of its own for them. */
const TCE_WINDOW = 'tce-iommu-';

/** What the words of the text say of a region; one that is read-only is RAM all the same. */
const KINDS: Readonly<Record<FlatRangeText['type'], RegionKind>> = {
  'i/o': 'io',
  container: 'io',
  ram: 'ram',
  ramd: 'ram-device',
  rom: 'ram',
  romd: 'rom-device',
};

/** The views of memory and of sPAPR host bridges; nobody wants to know what the others are. */
const viewsOf = (text: string): string =>
  text
    .split(/^(?=FlatView #)/m)
    .filter((view) => /^ AS "(?:memory|pci@[0-9a-f]+)", root/m.test(view))
    .join('');

const findSpace = (
  views: readonly FlatViewText[],
  matches: (name: string) => boolean,
): FlatViewText | undefined => views.find(({ spaces }) => spaces.some(({ name }) => matches(name)));

const sameRange = (a: TraceRange, b: TraceRange): boolean =>
  a.end === b.end &&
  a.region === b.region &&
  a.offset === b.offset &&
  a.readonly === b.readonly &&
  a.nonvolatile === b.nonvolatile &&
  a.romdMode === b.romdMode &&
  a.priority === b.priority &&
  a.contained === b.contained;
