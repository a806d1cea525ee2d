import type { Size } from '../address/index.ts';
import { PCI_REGIONS } from './abi/index.ts';
import { Errno } from './errno.ts';
import type { RegionInfo } from './vfio-pci-region.ts';

/** The parts of a device that vfio-pci shows as regions beside the BARs. */
export interface OtherRegions {
  /** Bytes of configuration space: 256, or 4096 for PCI Express. */
  readonly configSize: Size;
  /** Bytes of the expansion ROM's BAR, if the ROM holds an image and the host gave it an address; else 0. */
  readonly romSize: Size;
}

/**
 * VFIO_DEVICE_GET_REGION_INFO for a region that is no BAR: the ROM, configuration space, VGA and those behind. The
 * device has no VGA region and none of its own. Linux vfio_pci_core.c:vfio_pci_ioctl_get_region_info,
 * host facts R4.3.1 to R4.3.3.
 */
export function otherRegionInfo(
  index: number,
  { configSize, romSize }: OtherRegions,
): RegionInfo | Exclude<Errno, 0> {
  const mmap = false;
  switch (index) {
    case PCI_REGIONS.ROM:
      return { size: romSize, flags: { read: romSize > 0n, write: false, mmap }, capabilities: [] };
    case PCI_REGIONS.CONFIG:
      return { size: configSize, flags: { read: true, write: true, mmap }, capabilities: [] };
    default:
      return Errno.EINVAL;
  }
}
