import { hostAddress, iova as toIova } from '../address/index.ts';
import {
  Errno,
  failedUnmap,
  type DmaMapRequest,
  type HostFaults,
  type IommuContainer,
  type UnmapResult,
} from '../host/index.ts';
import type { MemoryRegionSection } from '../memory/index.ts';
import { askHost, injectedMark } from './ask-host.ts';
import { dmaBufOf, partOfDmaBuf } from './dma-buf.ts';
import type { EventSink } from './event.ts';
import type { IommuType } from './iommu-type.ts';
import type { ListenerContext } from './listener-rules.ts';
import type { Revision } from './revision.ts';
import type { Span } from './trim.ts';

/** What the requests of a container are made of. */
export interface DmaRequestsOptions {
  /** The container's name in events. */
  readonly name: string;
  readonly revision: Revision;
  readonly iommuType: IommuType;
  readonly iommu: IommuContainer;
  readonly emit: EventSink;
  /** Requests that the host does not carry out; none when left out. */
  readonly faults?: HostFaults | undefined;
}

/** A listener while it asks. */
export interface Asking {
  readonly context: ListenerContext;
  /** Whether the container is unregistering its listener. */
  readonly isLeaving: boolean;
}

/** The requests of a container's listener to map and unmap pieces of sections (vfio facts 6.7 and 6.9). */
export class DmaRequests {
  readonly #options: DmaRequestsOptions;

  constructor(options: DmaRequestsOptions) {
    this.#options = options;
  }

  /** Asks the host to map a piece of a section. @throws VmmAbort where the host never answers. */
  map(section: MemoryRegionSection, piece: Span, asking: Asking): Errno {
    const { name, iommuType, emit, revision } = this.#options;
    const request = this.#requestFor(section, piece);
    const { dmaBuf: _, ...shown } = request;
    let { errno, injected } = this.#askToMap(request, asking);
    const isBusy = errno === Errno.EBUSY && iommuType !== 'iommufd';
    if (isBusy) emit({ type: 'dma-map', container: name, ...shown, errno, ...injected });
    if (isBusy || (errno === Errno.EEXIST && revision.listener.whenMapped === 'unmap-and-retry')) {
      const refused = this.unmap(piece, asking);
      if (isBusy && refused !== 0) return errno;
      ({ errno, injected } = this.#askToMap(request, asking));
    }
    emit({ type: 'dma-map', container: name, ...shown, errno, ...injected });
    return errno;
  }

  /** Asks the host to unmap a range. @throws VmmAbort where the host never answers. */
  unmap({ start, size }: Span, asking: Asking): Errno {
    const { name, iommuType, emit, revision } = this.#options;
    const iova = toIova(start);
    const { errno, unmapped, injected } = this.#askToUnmap({ start, size }, asking);
    emit({ type: 'dma-unmap', container: name, iova, size, unmapped, errno, ...injected });
    // QEMU's iommufd backend takes ENOENT for success (vfio fact 6.9).
    if (errno === 0 || (iommuType === 'iommufd' && errno === Errno.ENOENT)) return 0;
    if (!revision.listener.reportsFailedUnmap) return errno;
    emit({
      type: 'message',
      text: `vfio_dma_unmap(0x${start.toString(16)}, 0x${size.toString(16)}) = -${errno}`,
    });
    return errno;
  }

  #requestFor(section: MemoryRegionSection, { start, size }: Span): DmaMapRequest {
    const { iommuType, revision } = this.#options;
    const { region } = section;
    const wanted = revision.listener.backingOffset(section, start);
    const exported = iommuType === 'iommufd' ? dmaBufOf(region) : undefined;
    const passed = exported && partOfDmaBuf(exported, wanted, revision.device);
    const at = passed?.mapped ?? wanted;
    return {
      iova: toIova(start),
      size,
      hostAddress: hostAddress((region.hostAddress ?? 0n) + at),
      readonly: revision.listener.mapsReadonly(section),
      deviceMemory: region.isRamDevice,
      backing: { region: region.name, owner: region.owner, offset: at },
      dmaBuf: passed?.part,
    };
  }

  #askToMap(request: DmaMapRequest, { context }: Asking) {
    const { iommu, revision, faults } = this.#options;
    const { iova: start, size } = request;
    const fault = askHost(faults, 'dma-map', { start, size });
    const errno = fault || revision.host.refusesMap(request, context) || iommu.map(request);
    return { errno, injected: injectedMark(fault) };
  }

  /** The kernel's answer; a container that is closed already answers EINVAL. */
  #askToUnmap(requested: Span, { context, isLeaving }: Asking): UnmapResult & { injected?: object } {
    const { iommu, revision, faults } = this.#options;
    if (isLeaving && revision.container.teardown === 'close-first') return failedUnmap(Errno.EINVAL);
    const { start, size } = revision.host.unmapSpan(requested, context);
    const fault = askHost(faults, 'dma-unmap', { start, size });
    if (fault !== 0) return { ...failedUnmap(fault), injected: injectedMark(fault) };
    return revision.host.unmap(iommu.unmap(toIova(start), size), requested, context);
  }
}
