import type { MemoryRegion } from '../memory/index.ts';

/**
 * The ram_device regions of which QEMU has a dma-buf. QEMU keeps the descriptor in the RAM block of the region
 * (vfio_region_mmap of QEMU 11).
 */
const exported = new WeakSet<MemoryRegion>();

/** Notes that QEMU has a dma-buf of the region. */
export const noteDmaBuf = (region: MemoryRegion): void => void exported.add(region);

/** Whether QEMU has a dma-buf of the region. */
export const hasDmaBuf = (region: MemoryRegion): boolean => exported.has(region);
