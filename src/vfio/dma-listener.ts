import { smallestPage, type Size } from '../address/index.ts';
import { errnoName, type Errno, type SpaprTceContainer } from '../host/index.ts';
import type { AddressSpace, MemoryListener, MemoryRegionSection } from '../memory/index.ts';
import { DirtyRanges } from './dirty-ranges.ts';
import { DmaRequests, type Asking, type DmaRequestsOptions } from './dma-requests.ts';
import type { SkipReason } from './event.ts';
import { VmmAbort } from './failure.ts';
import type { ListenerContext, ListenerRules, PageSizes } from './listener-rules.ts';
import { PluggedBlocks } from './plugged-blocks.ts';
import { SpaprWindows } from './spapr-windows.ts';
import type { Span } from './trim.ts';

/** What the DMA listener of a container is made of. */
export interface DmaListenerOptions extends DmaRequestsOptions {
  readonly hostPageSize: Size;
  readonly targetPageSize: Size;
  /** The address space in which the devices issue DMA; without one the devices log nothing. */
  readonly dmaSpace?: Pick<AddressSpace, 'view'> | undefined;
  /** How many memslots KVM has; 512 where that is not known. */
  readonly memslotLimit?: number | undefined;
  /** Whether the listener maps what is there once, and follows no later change. False by default. */
  readonly detached?: boolean;
}

/**
 * Keeps a container's DMA mappings in step with an address space: QEMU's `vfio` memory listener
 * (vfio_listener_region_add and _del, vfio facts 6.1 to 6.11). The revision's rules decide where versions
 * differ.
 */
export class DmaListener implements MemoryListener {
  readonly name = 'vfio';
  readonly priority: number;
  /** The first fatal refusal while the container was being set up. */
  initialError: string | undefined;
  /** Whether the container is unregistering the listener. */
  isLeaving = false;
  readonly #options: DmaListenerOptions;
  #adding: ListenerContext;
  #removing: ListenerContext;
  readonly #rules: ListenerRules;
  readonly #pages: PageSizes;
  readonly #windows: SpaprWindows | undefined;
  readonly #plugged: PluggedBlocks;
  readonly #requests: DmaRequests;
  /** Start addresses of the pieces that the host has mapped for the listener. */
  readonly #mapped = new Set<bigint>();

  constructor(options: DmaListenerOptions) {
    this.#options = options;
    const { iommu, iommuType, hostPageSize, targetPageSize } = options;
    this.#rules = options.revision.listener;
    this.#requests = new DmaRequests(options);
    this.priority = options.revision.container.listenerPriority;
    this.#pages = { host: hostPageSize, target: targetPageSize, iommu: smallestPage(iommu.pageSizes) };
    this.#plugged = new PluggedBlocks({
      rules: this.#rules,
      pages: this.#pages,
      mappingLimit: iommu.available,
      memslotLimit: options.memslotLimit,
      detached: options.detached ?? false,
      map: (section, piece) => this.#map(section, piece),
      unmap: (piece) => this.#unmap(piece),
    });
    this.#adding = this.#contextOf('add', false);
    this.#removing = this.#contextOf('remove', false);
    if (iommuType === 'spapr-tce-v2') {
      this.#windows = new SpaprWindows({
        container: options.name,
        iommu: iommu as SpaprTceContainer,
        hostPageSize,
        emit: options.emit,
        rules: options.revision.container,
      });
    }
  }

  /** Whether the container is set up: from then on a refusal to map RAM is fatal (vfio fact 6.8). */
  get initialized(): boolean {
    return this.#adding.initialized;
  }

  set initialized(initialized: boolean) {
    this.#adding = this.#contextOf('add', initialized);
    this.#removing = this.#contextOf('remove', initialized);
  }

  #contextOf(change: ListenerContext['change'], initialized: boolean): ListenerContext {
    return { iommuType: this.#options.iommuType, pages: this.#pages, initialized, change };
  }

  regionAdd(section: MemoryRegionSection): void {
    const piece = this.#piece(section, this.#adding);
    if (piece === undefined) return;
    const deviceMemory = section.region.isRamDevice;
    const windowErrno = this.#windows?.add(section, piece) ?? 0;
    if (windowErrno !== 0) {
      this.#failed(section, piece, windowErrno, 'dma-window');
      return;
    }
    if (section.region.isIommu) return;
    if (this.#followsDiscards(section)) {
      this.#followPlugged(section);
      return;
    }
    if (!this.#mayBeMapped(section, piece)) {
      this.#skipped(section, 'iommu-page');
      return;
    }
    const errno = this.#map(section, piece);
    // QEMU sends a vfio-user map without waiting for the reply, so a refusal is never fatal (vfio fact 10.7).
    if (errno === 0 || this.#options.iommuType === 'vfio-user') return;
    this.#failed(section, piece, errno, deviceMemory ? 'dma-map-device-memory' : 'dma-map-ram');
  }

  regionDel(section: MemoryRegionSection): void {
    const piece = this.#piece(section, this.#removing);
    if (piece === undefined) return;
    if (this.#followsDiscards(section)) {
      this.#plugged.leave(section);
      this.#windows?.remove(section, piece, this.#rules.missingWindow);
      return;
    }
    if (this.isLeaving && this.#rules.whenUnregistered === 'map') {
      if (!section.region.isIommu && this.#mayBeMapped(section, piece)) this.#map(section, piece);
      return;
    }
    // Behind an emulated IOMMU the guest may have mapped any page: one request unmaps the whole range.
    if (section.region.isIommu || this.#shouldUnmap(section, piece)) {
      this.#unmap(this.#rules.unmapSpan(piece, section, this.#removing));
    }
    this.#windows?.remove(section, piece, this.#rules.missingWindow);
  }

  /** A migration begins: the devices log what they write, in few ranges (vfio_devices_dma_logging_start, vfio fact 6.15). */
  logGlobalStart(): void {
    const { dmaSpace, name, revision, emit } = this.#options;
    if (dmaSpace === undefined || !revision.hasDirtyTracking) return;
    const ranges = new DirtyRanges(this.#rules.dirtyRange);
    for (const section of dmaSpace.view.ranges) {
      const piece = this.#piece(section, this.#removing);
      if (piece !== undefined) ranges.add(section, piece);
    }
    emit({ type: 'dirty-tracking', container: name, ranges: ranges.all });
  }

  /** Maps what is plugged of a section of virtio-mem, and follows what the guest plugs and unplugs. */
  #followPlugged(section: MemoryRegionSection): void {
    const failure = this.#plugged.follow(section);
    if (failure === undefined) return;
    this.#options.emit({ type: 'message', text: failure });
    if (this.#rules.discardLimit === 'warned') return;
    if (this.initialized)
      throw new VmmAbort('ram-discard-limit', `vfio: DMA mapping failed, unable to continue: ${failure}`);
    this.initialError ??= `Region ${section.region.name}: ${failure}`;
  }

  #followsDiscards(section: MemoryRegionSection): boolean {
    return section.region.discards !== undefined && this.#rules.followsDiscards(section);
  }

  #shouldUnmap(section: MemoryRegionSection, piece: Span): boolean {
    const mapped = this.#mapped.delete(piece.start);
    return this.#mayBeMapped(section, piece) && this.#rules.unmaps(section, piece, mapped, this.#removing);
  }

  #mayBeMapped({ region }: MemoryRegionSection, { start, size }: Span): boolean {
    return !region.isRamDevice || this.#rules.mapsDeviceMemory(start, size, this.#pages);
  }

  /** The piece that skipping and trimming leave of the section (vfio facts 6.1 to 6.3). */
  #piece(section: MemoryRegionSection, context: ListenerContext): Span | undefined {
    const { region } = section;
    if (!region.isRam && !region.isIommu) return undefined;
    const piece =
      this.#rules.skip(section, context) ??
      this.#rules.trim(section, this.#rules.alignment(this.#pages), context);
    if (typeof piece !== 'string') return piece;
    if (context.change === 'add') this.#skipped(section, piece);
    return undefined;
  }

  #map(section: MemoryRegionSection, piece: Span): Errno {
    const errno = this.#requests.map(section, piece, this.#asking('add'));
    if (errno === 0) this.#mapped.add(piece.start);
    return errno;
  }

  #unmap(piece: Span): void {
    this.#requests.unmap(piece, this.#asking('remove'));
  }

  #asking(change: ListenerContext['change']): Asking {
    return { context: change === 'add' ? this.#adding : this.#removing, isLeaving: this.isLeaving };
  }

  #failed(section: MemoryRegionSection, piece: Span, errno: Errno, site: VmmAbort['site']): void {
    const { emit } = this.#options;
    const { deviceMemoryFailure, ramFailure } = this.#rules;
    const isDeviceMemory = section.region.isRamDevice;
    const call = `vfio_dma_map(0x${piece.start.toString(16)}, 0x${piece.size.toString(16)})`;
    const text = `${call} = -${errno} (${errnoName(errno)})`;
    emit({ type: 'message', text });
    if (isDeviceMemory && deviceMemoryFailure === 'reported') return;
    if (this.initialized) {
      if (!isDeviceMemory && ramFailure === 'reported') return;
      throw new VmmAbort(site, `vfio: DMA mapping failed, unable to continue: ${text}`);
    }
    this.initialError ??= `Region ${section.region.name}: ${text}`;
  }

  #skipped(section: MemoryRegionSection, reason: SkipReason): void {
    if (!this.#rules.reportsSkip(reason)) return;
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
