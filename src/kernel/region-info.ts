import {
  concatenate,
  encodeRegionChain,
  PCI_REGIONS,
  REGION_INFO,
  regionInfoFields,
} from '../host/abi/index.ts';
import { Errno, type RegionInfo } from '../host/index.ts';
import { BAR_COUNT } from '../pci-layout/index.ts';
import type { OfferedDevice } from './offered-device.ts';
import { answered, type IoctlCall, type KernelAnswer } from './system-call.ts';

/** Bytes of the configuration space of a conventional PCI function. */
export const CONFIG_BYTES = 256;

/** VFIO_DEVICE_GET_REGION_INFO. Linux vfio_pci_core.c:vfio_pci_ioctl_get_region_info, host facts 4.1 and 4.3. */
export function answerRegionInfo(device: OfferedDevice, call: IoctlCall): KernelAnswer {
  const { argsz, index } = call.read(REGION_INFO);
  const region = index < PCI_REGIONS.COUNT ? regionOf(device, index) : undefined;
  if (argsz < REGION_INFO.bytes || region === undefined) return answered(Errno.EINVAL);
  const fields = regionInfoFields(region, index, argsz);
  const info = REGION_INFO.encode(fields);
  const chain = encodeRegionChain(region.capabilities, REGION_INFO.bytes);
  return call.returns(fields.cap_offset === 0 ? info : concatenate(info, chain));
}

/** A region of the device; nothing for VGA, which only graphics cards have. */
function regionOf({ host }: OfferedDevice, index: number): RegionInfo | undefined {
  if (index < BAR_COUNT) return host.region(index);
  if (index === PCI_REGIONS.VGA) return undefined;
  if (index === PCI_REGIONS.ROM) {
    const size = host.rom?.contents ?? 0n;
    return { size, flags: { read: size > 0n, write: false, mmap: false }, capabilities: [] };
  }
  const isConfig = index === PCI_REGIONS.CONFIG;
  const flags = { read: isConfig, write: isConfig, mmap: false };
  return { size: isConfig ? BigInt(CONFIG_BYTES) : 0n, flags, capabilities: [] };
}
