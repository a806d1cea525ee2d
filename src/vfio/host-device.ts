import type { Size } from '../address/index.ts';
import type { Errno, RegionInfo, SparseArea } from '../host/index.ts';
import type { BarAttributes, MsixLayout } from '../pci-layout/index.ts';

/** The expansion ROM of a device behind VFIO. */
export interface HostRom {
  /** Bytes that the register in configuration space decodes. */
  readonly size: Size;
  /** Bytes of the ROM's region (VFIO_PCI_ROM_REGION_INDEX): 0 where the kernel finds no image. */
  readonly contents: Size;
}

/**
 * A device as the VMM finds it behind VFIO: the kernel's vfio-pci, or a vfio-user server. The values are
 * those that hardware and host report; no part of them has been checked.
 */
export interface HostDevice {
  /** The host address, and the first word of the names of the device's regions: `0001:03:00.0`. */
  readonly name: string;
  readonly vendor: number;
  readonly device: number;
  /** Whether the class code is that of a VGA controller. */
  readonly isVga: boolean;
  /** Bytes of configuration space: 256 or 4096. */
  readonly configSize: Size;
  /**
   * VFIO_DEVICE_GET_REGION_INFO.
   *
   * @param index BAR 0 to 5.
   */
  region(index: number): RegionInfo;
  /** Kind, width and prefetchability in the read-only bits of the BAR's register. */
  barAttributes(index: number): BarAttributes;
  /** The expansion ROM; `undefined` or left out for a device without one. */
  readonly rom?: HostRom | undefined;
  /** The MSI-X capability in configuration space; `undefined` without one. */
  readonly msix: MsixLayout | undefined;
  /**
   * mmap of an area of a BAR: the error, 0 for success.
   *
   * @param isWritable whether the mmap is to be written, too; true when left out.
   */
  mmap(index: number, area: SparseArea, isWritable?: boolean): Errno;
  /**
   * VFIO_DEVICE_FEATURE_DMA_BUF: exports areas of a BAR as one dma-buf. The error, 0 for success; ENOTTY where the host
   * knows no such call, as every host does that leaves the method out.
   */
  exportDmaBuf?(index: number, areas: readonly SparseArea[]): Errno;
}
