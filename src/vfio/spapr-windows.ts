import { iova, largestPage, lesser, type PageSizeBitmap, type Size } from '../address/index.ts';
import { Errno, type SpaprTceContainer } from '../host/index.ts';
import type { MemoryRegionSection } from '../memory/index.ts';
import type { ContainerRules, WindowPages } from './container-rules.ts';
import type { EventSink } from './event.ts';
import { VmmAbort } from './failure.ts';
import type { Span } from './trim.ts';

/** The page of the default window that the emulated host bridge shows (vfio fact 7.5). In bytes. */
const PHB_IOMMU_PAGE: Size = 1n << 12n;

/** What the listeners of an sPAPR v2 container share. */
export interface SpaprOptions {
  /** The container's name in events. */
  readonly container: string;
  readonly iommu: SpaprTceContainer;
  readonly hostPageSize: Size;
  readonly emit: EventSink;
  readonly rules: ContainerRules;
}

/**
 * The DMA windows of an sPAPR v2 container, one for each section that its listener adds
 * (vfio_spapr_container_add_section_window and _del_section_window, vfio facts 7.2 and 7.4).
 */
export class SpaprWindows {
  readonly #container: string;
  readonly #iommu: SpaprTceContainer;
  readonly #hostPageSize: Size;
  readonly #emit: EventSink;
  readonly #rules: ContainerRules;
  readonly #windows: Span[] = [];

  /** Removes the host's default window, which would take one of the host's two windows (vfio fact 7.2). */
  constructor({ container, iommu, hostPageSize, emit, rules }: SpaprOptions) {
    this.#container = container;
    this.#iommu = iommu;
    this.#hostPageSize = hostPageSize;
    this.#emit = emit;
    this.#rules = rules;
    if (!rules.removesDefaultWindow) return;
    const errno = iommu.removeWindow(iova(0n));
    emit({ type: 'window-remove', container, start: 0n, size: 0n, deviceMemory: false, errno });
  }

  /**
   * Makes a window for the section.
   *
   * @param piece the section after trimming, which the window covers.
   * @returns the error, 0 for success.
   */
  add(section: MemoryRegionSection, piece: Span): Errno {
    const { start } = piece;
    const size = this.#rules.windowSize(piece.size);
    const overlapping = this.#windows.some(
      (window) => start < window.start + window.size && window.start < start + size,
    );
    const pageSize = overlapping ? 0n : this.#pageSize(section);
    const errno = pageSize === 0n ? Errno.EINVAL : this.#create(pageSize, start, size);
    const deviceMemory = section.region.isRamDevice;
    const asked = pageSize === 0n ? {} : { pageSize };
    this.#emit({
      type: 'window-create',
      container: this.#container,
      start,
      size,
      ...asked,
      deviceMemory,
      errno,
    });
    if (errno === 0) this.#windows.push({ start, size: piece.size });
    return errno;
  }

  /**
   * Removes the section's window.
   *
   * @param missing what a section without a window leads to; QEMU ends with hw_error (vfio fact 7.4).
   * @throws VmmAbort for a section without a window, if `missing` is `fatal`.
   */
  remove(section: MemoryRegionSection, { start, size }: Span, missing: 'fatal' | 'ignored'): void {
    const index = this.#windows.findIndex((window) => window.start === start && window.size === size);
    if (index === -1) {
      if (missing === 'ignored') return;
      throw new VmmAbort('dma-window', `vfio: Cannot delete missing window at 0x${start.toString(16)}`);
    }
    if (!this.#rules.removesWindows) return;
    this.#windows.splice(index, 1);
    const errno = this.#iommu.removeWindow(iova(start));
    const deviceMemory = section.region.isRamDevice;
    this.#emit({ type: 'window-remove', container: this.#container, start, size, deviceMemory, errno });
  }

  #create(pageSize: Size, start: bigint, size: Size): Errno {
    const { errno, window } = this.#iommu.createWindow({
      pageSize,
      size,
      levels: this.#rules.windowLevels(size / pageSize, this.#hostPageSize),
    });
    if (window === undefined || window.start === start) return errno;
    // The host chooses where a window lies. QEMU cannot use one that starts elsewhere than the section.
    this.#iommu.removeWindow(window.start);
    return Errno.EINVAL;
  }

  #pageSize(section: MemoryRegionSection): Size {
    // Only an IOMMU region has a page size of its own; QEMU's cast of another region is undefined behaviour.
    const { isIommu, iommuPageSize = PHB_IOMMU_PAGE } = section.region;
    const wanted = isIommu ? iommuPageSize : this.#hostPageSize;
    return this.#rules.windowPageSize({ wanted, host: this.#hostPageSize, offered: this.#iommu.pageSizes });
  }
}

/** The largest page of the host that is above neither the region's own page nor the RAM's (vfio fact 7.2). */
export function largestWindowPage({ wanted, host, offered }: WindowPages): Size {
  const limit = lesser(wanted, host);
  const fitting: PageSizeBitmap = offered & (limit | (limit - 1n));
  return largestPage(fitting);
}

/** Levels of a window's table: the bits of its bytes divided by those of a host page plus 8 (vfio fact 7.2). */
export function levelsOfWindow(entries: bigint, hostPageSize: Size): number {
  const entryBits = (entries * 8n).toString(2).length - 1;
  const bitsPerLevel = hostPageSize.toString(2).length - 1 + 8;
  return Math.max(1, Math.ceil(entryBits / bitsPerLevel));
}
