import type { Errno, RegionInfo, SparseArea } from '../host/index.ts';
import type { BarAttributes, MsixLayout } from '../pci-layout/index.ts';

/**
 * A device as the VMM finds it behind VFIO: the kernel's vfio-pci, or a vfio-user server.
 * Everything in it is what the hardware and the host report, however odd.
 */
export interface HostDevice {
  /** What an operator calls it, and the first word of its regions' names: `0001:03:00.0`. */
  readonly name: string;
  readonly vendor: number;
  readonly device: number;
  /** VFIO_DEVICE_GET_REGION_INFO of BAR 0 to 5. */
  region(index: number): RegionInfo;
  /** The read-only bits of the BAR's register. */
  barAttributes(index: number): BarAttributes;
  /** The MSI-X capability in configuration space. */
  readonly msix: MsixLayout | undefined;
  /** mmap of an area of a BAR; 0 for success. */
  mmap(index: number, area: SparseArea): Errno;
}
