import { alignDown, alignUp, lesser, type Range, type Size } from '../address/index.ts';
import type { Errno } from '../host/index.ts';
import type { MemoryRegionSection, RamDiscardListener } from '../memory/index.ts';
import { VmmAbort } from './failure.ts';
import type { ListenerRules, PageSizes } from './listener-rules.ts';
import type { Span } from './trim.ts';

/** The memslots that QEMU counts with where it has no KVM. */
const UNKNOWN_SLOTS = 512;

/** What the DMA listener gives to `PluggedBlocks`. */
export interface PluggedBlocksOptions {
  readonly rules: ListenerRules;
  readonly pages: PageSizes;
  /** How many mappings the container takes; `undefined` where the host does not say. */
  readonly mappingLimit: number | undefined;
  /** How many memslots KVM has; `undefined` without KVM. */
  readonly memslotLimit: number | undefined;
  /** Whether to map what is plugged now, and to follow no change. */
  readonly detached: boolean;
  /** Asks the host to map a piece of a section. */
  readonly map: (section: MemoryRegionSection, piece: Span) => Errno;
  /** Asks the host to unmap a piece. */
  readonly unmap: (piece: Span) => void;
}

/** Keeps the plugged blocks of virtio-mem mapped, each by itself (QEMU's `VFIORamDiscardListener`, vfio fact 6.14). */
export class PluggedBlocks {
  readonly #options: PluggedBlocksOptions;
  /** The sections whose blocks are followed. */
  readonly #followed = new Map<MemoryRegionSection, RamDiscardListener>();

  constructor(options: PluggedBlocksOptions) {
    this.#options = options;
  }

  /**
   * Maps what is plugged of a section, and follows what the guest plugs and unplugs
   * (vfio_ram_discard_register_listener).
   *
   * @returns why the container may run out of mappings; `undefined` if it cannot.
   * @throws VmmAbort for blocks smaller than a page of the IOMMU.
   */
  follow(section: MemoryRegionSection): string | undefined {
    const { pages, detached } = this.#options;
    const discards = section.region.discards!;
    if (discards.granularity < pages.iommu) {
      throw new VmmAbort(
        'ram-discard-granularity',
        "vfio_ram_discard_register_listener: Assertion failed: blocks are smaller than the IOMMU's page",
      );
    }
    const listener: RamDiscardListener = {
      populate: (part) => this.#populate(section, part),
      discard: (part) => this.#discard(section, part),
    };
    if (detached) {
      discards.replay(section, listener);
      return undefined;
    }
    discards.register(section, listener);
    this.#followed.set(section, listener);
    return this.#mayExceedLimit()
      ? 'vfio_ram_discard_register_listener: possibly running out of DMA mappings'
      : undefined;
  }

  /** Follows the section no longer (vfio_ram_discard_unregister_listener). QEMU finds the section by region and address. */
  leave({ region, start }: MemoryRegionSection): void {
    for (const [section, listener] of this.#followed) {
      if (section.region !== region || section.start !== start) continue;
      region.discards!.unregister(listener);
      this.#followed.delete(section);
      return;
    }
  }

  /** Maps a plugged part, block by block, so that each block can be unmapped by itself. */
  #populate(section: MemoryRegionSection, part: Range): boolean {
    const { rules, pages, map } = this.#options;
    const unit = rules.populateUnit(section.region.discards!.granularity, pages);
    for (let from = part.start; from < part.end;) {
      const to = lesser(alignUp(from + 1n, unit), part.end);
      if (map(section, { start: section.start + (from - section.offset), size: to - from }) !== 0) {
        if (rules.rollsBackPopulate) this.#discard(section, part);
        return false;
      }
      from = to;
    }
    return true;
  }

  #discard(section: MemoryRegionSection, { start, end }: Range): void {
    const { rules, unmap } = this.#options;
    const discarded = { start: section.start + (start - section.offset), size: end - start };
    const span = rules.discardSpan(discarded, section);
    if (span !== undefined) unmap(span);
  }

  /** Whether all blocks, and one mapping for each other memslot, could be more mappings than the container takes. */
  #mayExceedLimit(): boolean {
    const { mappingLimit, memslotLimit = UNKNOWN_SLOTS } = this.#options;
    if (mappingLimit === undefined) return false;
    let blocks = 0n;
    for (const { start, end, region } of this.#followed.keys())
      blocks += blocksIn(start, end, region.discards!.granularity);
    return blocks + BigInt(memslotLimit - this.#followed.size) > BigInt(mappingLimit);
  }
}

const blocksIn = (start: bigint, end: bigint, block: Size): bigint =>
  (alignUp(end, block) - alignDown(start, block)) / block;
