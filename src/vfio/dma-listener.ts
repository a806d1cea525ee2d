import {
  alignDown,
  alignUp,
  hostAddress,
  iova as toIova,
  offset,
  smallestPage,
  type Size,
} from '../address/index.ts';
import { Errno, errnoName, type IommuContainer, type SpaprTceContainer } from '../host/index.ts';
import type { MemoryListener, MemoryRegionSection } from '../memory/index.ts';
import type { EventSink, SkipReason } from './event.ts';
import { VmmAbort } from './failure.ts';
import type { IommuType, ListenerContext, ListenerRules, PageSizes, Revision } from './revision.ts';
import { SpaprWindows } from './spapr-windows.ts';

/** What the listener of a container needs. */
export interface DmaListenerOptions {
  readonly name: string;
  readonly revision: Revision;
  readonly iommuType: IommuType;
  readonly iommu: IommuContainer;
  readonly hostPageSize: Size;
  readonly targetPageSize: Size;
  readonly emit: EventSink;
}

/** The part of a section that can be mapped: whole units of the listener's alignment. */
interface Piece {
  readonly start: bigint;
  readonly size: Size;
}

const VFIO_LISTENER_PRIORITY = 0;

/**
 * Keeps a container's DMA mappings in step with an address space: QEMU's `vfio` memory listener
 * (vfio_listener_region_add and _del, facts 6.1 to 6.11). What differs between versions is asked of
 * the revision's rules.
 */
export class DmaListener implements MemoryListener {
  readonly name = 'vfio';
  readonly priority = VFIO_LISTENER_PRIORITY;
  /** Set once the container is connected: from then on a refusal to map RAM is fatal (fact 6.8). */
  initialized = false;
  /** The first refusal to map RAM before that. */
  initialError: string | undefined;
  readonly #options: DmaListenerOptions;
  readonly #context: ListenerContext;
  readonly #rules: ListenerRules;
  readonly #pages: PageSizes;
  readonly #windows: SpaprWindows | undefined;

  constructor(options: DmaListenerOptions) {
    this.#options = options;
    const { iommu, iommuType, hostPageSize, targetPageSize } = options;
    this.#rules = options.revision.listener;
    this.#pages = { host: hostPageSize, target: targetPageSize, iommu: smallestPage(iommu.pageSizes) };
    this.#context = { iommuType, pages: this.#pages };
    if (iommuType === 'spapr-tce-v2') {
      this.#windows = new SpaprWindows(options.name, iommu as SpaprTceContainer, hostPageSize, options.emit);
    }
  }

  regionAdd(section: MemoryRegionSection): void {
    const piece = this.#piece(section, true);
    if (piece === undefined) return;
    const deviceMemory = section.region.isRamDevice;
    const window = this.#windows?.add(section, piece);
    if (window !== undefined && window.errno !== 0) {
      this.#failed(section, piece, window.errno, 'dma-window');
      return;
    }
    if (section.region.isIommu) return;
    if (deviceMemory && !this.#rules.mapsDeviceMemory(piece.start, piece.size, this.#pages)) {
      this.#skipped(section, 'iommu-page');
      return;
    }
    const errno = this.#map(section, piece);
    // A vfio-user map is sent without waiting; its refusal is only printed (fact 10.7).
    if (errno === 0 || this.#options.iommuType === 'vfio-user') return;
    this.#failed(section, piece, errno, deviceMemory ? 'dma-map-device-memory' : 'dma-map-ram');
  }

  regionDel(section: MemoryRegionSection): void {
    const piece = this.#piece(section, false);
    if (piece === undefined) return;
    // Behind an emulated IOMMU the guest may have mapped anything: one request takes it all away.
    const unmaps =
      !section.region.isRamDevice || this.#rules.mapsDeviceMemory(piece.start, piece.size, this.#pages);
    if (unmaps) this.#unmap(piece);
    this.#windows?.remove(section, piece);
  }

  /** What of the section is a candidate for mapping (facts 6.1 to 6.3). */
  #piece(section: MemoryRegionSection, adding: boolean): Piece | undefined {
    const { region } = section;
    if (!region.isRam && !region.isIommu) return undefined;
    const skip = this.#rules.skip(section, this.#context);
    if (skip !== undefined) {
      if (adding) this.#skipped(section, skip);
      return undefined;
    }
    const unit = this.#rules.alignment(this.#pages);
    if (((section.start ^ section.offset) & (unit - 1n)) !== 0n) {
      if (adding) this.#skipped(section, 'incongruent');
      return undefined;
    }
    const start = alignUp(section.start, unit);
    const size = alignDown(section.end, unit) - start;
    if (size <= 0n) {
      if (adding) this.#skipped(section, 'empty');
      return undefined;
    }
    return { start, size };
  }

  #map(section: MemoryRegionSection, { start, size }: Piece): Errno {
    const { name, iommu, emit } = this.#options;
    const { region, readonly } = section;
    const iova = toIova(start);
    const deviceMemory = region.isRamDevice;
    const at = offset(section.offset + start - section.start);
    const backing = { region: region.name, owner: region.owner, offset: at };
    const backedAt = hostAddress((region.hostAddress ?? 0n) + at);
    const errno = iommu.map({ iova, size, hostAddress: backedAt, readonly, deviceMemory, backing });
    emit({
      type: 'dma-map',
      container: name,
      iova,
      size,
      hostAddress: backedAt,
      readonly,
      deviceMemory,
      backing,
      errno,
    });
    return errno;
  }

  #unmap({ start, size }: Piece): void {
    const { name, iommu, iommuType, emit } = this.#options;
    const iova = toIova(start);
    const { errno, unmapped } = iommu.unmap(iova, size);
    emit({ type: 'dma-unmap', container: name, iova, size, unmapped, errno });
    // QEMU's iommufd backend takes "nothing there" for success, as type1 does.
    if (errno === 0 || (iommuType === 'iommufd' && errno === Errno.ENOENT)) return;
    emit({
      type: 'message',
      text: `vfio_dma_unmap(0x${start.toString(16)}, 0x${size.toString(16)}) = -${errno}`,
    });
  }

  #failed(section: MemoryRegionSection, piece: Piece, errno: Errno, site: VmmAbort['site']): void {
    const { emit, revision } = this.#options;
    const call = `vfio_dma_map(0x${piece.start.toString(16)}, 0x${piece.size.toString(16)})`;
    const text = `${call} = -${errno} (${errnoName(errno)})`;
    emit({ type: 'message', text });
    if (section.region.isRamDevice && revision.listener.deviceMemoryFailure === 'reported') return;
    if (this.initialized) {
      throw new VmmAbort(site, `vfio: DMA mapping failed, unable to continue: ${text}`);
    }
    this.initialError ??= `Region ${section.region.name}: ${text}`;
  }

  #skipped(section: MemoryRegionSection, reason: SkipReason): void {
    const { region, start, size } = section;
    this.#options.emit({
      type: 'skip',
      container: this.#options.name,
      reason,
      start,
      size,
      region: region.name,
      deviceMemory: region.isRamDevice,
    });
  }
}
