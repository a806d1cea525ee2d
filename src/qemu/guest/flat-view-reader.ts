import type { Offset } from '../../address/index.ts';
import { printable } from '../../input/index.ts';
import {
  type RegionKind,
  parseFlatViews,
  type FlatRangeText,
  type FlatViewText,
} from '../../memory/index.ts';
import type { TraceRange, TraceRegion } from '../../trace/index.ts';

/** The memory maps of a trace, from `info mtree -f -o`. */
export interface ReadViews {
  /** System memory as the CPU sees it. */
  readonly memory: readonly TraceRange[];
  /** The address space of the first sPAPR host bridge; system memory on machines without one. */
  readonly dma: readonly TraceRange[];
}

/** Turns the text of `info mtree -f -o` into ranges. Ranges that have not changed are the same objects. */
export class FlatViewReader {
  readonly #rename: (text: string) => string;
  readonly #ownerOf: (qemuId: string) => string | undefined;
  readonly #regions = new Map<string, TraceRegion>();
  #lastText: string | undefined;
  #last: ReadViews | undefined;

  /**
   * @param rename puts the scenario's names in place of QEMU's.
   * @param ownerOf the scenario's id of the device that has this id in QEMU.
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

  /** The ranges of a view. Ranges of the last view are the same objects, and so is the list without a change. */
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

  #range(text: FlatRangeText): TraceRange {
    const { type, name, owner, parent } = text;
    const kind = name.startsWith(TCE_WINDOW) ? 'iommu' : KINDS[type];
    const identity = `${name}\0${kind}\0${owner ?? ''}\0${parent ?? ''}`;
    let region = this.#regions.get(identity);
    if (region === undefined) {
      const id = /\bid=(\S+)/.exec(owner ?? parent ?? '')?.[1];
      region = {
        name: printable(this.#rename(name.replace(OF_KVM, ''))),
        owner: id === undefined ? undefined : this.#ownerOf(id),
        kind,
      };
      this.#regions.set(identity, region);
    }
    return {
      start: text.start,
      end: text.end + 1n,
      region,
      offset: text.offset as Offset,
      readonly: type === 'rom',
      nonvolatile: text.nonvolatile,
      // The text does not show this flag. Only memory of virtio-mem has it, which no scenario uses.
      unmergeable: false,
      romdMode: type === 'romd',
      priority: text.priority,
      contained: type !== 'container',
    };
  }
}

/** With KVM the interrupt controllers of a PC are KVM's, and their regions say so: `kvm-ioapic`, `kvm-apic-msi`. */
const OF_KVM = /^kvm-(?=ioapic$|apic-msi$)/;

/** Regions of the emulated IOMMU of pseries have this name (hw/ppc/spapr_iommu.c). The text calls them i/o. */
const TCE_WINDOW = 'tce-iommu-';

/** The kind of a region by QEMU's word. A read-only region is RAM as well. */
const KINDS: Readonly<Record<FlatRangeText['type'], RegionKind>> = {
  'i/o': 'io',
  container: 'io',
  ram: 'ram',
  ramd: 'ram-device',
  rom: 'ram',
  romd: 'rom-device',
};

/** The views of system memory and of sPAPR host bridges. A trace needs no other views. */
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
  (Object.keys(a) as (keyof TraceRange)[]).every((key) => a[key] === b[key]);
