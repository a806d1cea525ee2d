import { hostAddress, iova, offset } from '../address/index.ts';
import type { Errno, Type1Container } from '../host/index.ts';
import type { EventSink } from '../vfio/index.ts';
import type { UserMemoryRegion } from './user-memory.ts';

/** The VFIO container that all devices share (VfioOps). */
export class VfioOps {
  readonly name: string;
  readonly iommu: Type1Container;
  readonly #emit: EventSink;

  constructor(name: string, iommu: Type1Container, emit: EventSink) {
    this.name = name;
    this.iommu = iommu;
    this.#emit = emit;
  }

  /** Maps the whole region at its guest address (vfio_dma_map). */
  map({ start, region }: UserMemoryRegion): Errno {
    const request = {
      iova: iova(start),
      size: region.size,
      hostAddress: hostAddress(region.hostAddress ?? 0n),
      readonly: false,
      deviceMemory: region.isRamDevice,
      backing: { region: region.name, owner: region.owner, offset: offset(0n) },
    };
    const errno = this.iommu.map(request);
    this.#emit({ type: 'dma-map', container: this.name, ...request, errno });
    return errno;
  }

  /** Unmaps the region (vfio_dma_unmap). A refusal only leads to a message. */
  unmap({ start, region: { size } }: UserMemoryRegion): void {
    const { errno, unmapped } = this.iommu.unmap(iova(start), size);
    this.#emit({
      type: 'dma-unmap',
      container: this.name,
      iova: iova(start),
      size,
      unmapped,
      errno,
    });
    if (errno === 0 && unmapped === size) return;
    const span = `iova 0x${start.toString(16)}, size 0x${size.toString(16)}`;
    const text = `Could not unmap MMIO region from the host IOMMU address space: ${span}`;
    this.#emit({ type: 'message', text });
  }

  /**
   * Closes the container's descriptor, so that the kernel removes all mappings (vfio_iommu_type1_release).
   */
  close(): void {
    this.iommu.unmapAll();
  }
}
