import type { RegionInfo } from '../vfio-pci-region.ts';
import { regionCapabilityBytes } from './capability-chain.ts';
import { REGION_INFO, REGION_INFO_FLAGS, REGION_SHIFT } from './vfio.ts';

const { READ, WRITE, MMAP, CAPS } = REGION_INFO_FLAGS;

/**
 * The fields of struct vfio_region_info that vfio-pci returns. Linux vfio_pci_core.c:vfio_pci_ioctl_get_region_info
 * (host facts 4.1 and 4.3).
 *
 * @param index of the region
 * @param argsz the bytes of the caller's buffer; at least those of the structure. If the capabilities do not fit, the
 *   kernel returns only the size that it needs.
 */
export function regionInfoFields({ size, flags, capabilities }: RegionInfo, index: number, argsz: number) {
  const needed = REGION_INFO.bytes + regionCapabilityBytes(capabilities);
  const hasCapabilities = capabilities.length > 0;
  return {
    argsz: Math.max(argsz, needed),
    flags:
      (flags.read ? READ : 0) |
      (flags.write ? WRITE : 0) |
      (flags.mmap ? MMAP : 0) |
      (hasCapabilities ? CAPS : 0),
    index,
    cap_offset: hasCapabilities && argsz >= needed ? REGION_INFO.bytes : 0,
    size,
    offset: BigInt(index) << REGION_SHIFT,
  };
}
