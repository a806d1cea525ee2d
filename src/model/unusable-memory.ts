import type { DmaMapRequest } from '../host/index.ts';
import { RAM_BLOCKS } from '../machine/index.ts';
import type { DeviceSpec, HostSpec } from '../scenario/index.ts';

/**
 * Which memory the host's kernel cannot map for DMA: the pages of RAM that it cannot pin, and the BARs of which
 * the scenario says so; BARs that the host offers read-only only where devices are to write them (host fact D18).
 */
export function unusableMemory(
  { unpinnableRam = [] }: HostSpec,
  devices: readonly DeviceSpec[],
): (request: DmaMapRequest) => boolean {
  return ({ deviceMemory, readonly, backing: { region, owner, offset }, size }) => {
    if (deviceMemory) {
      const device = devices.find(({ id }) => id === owner);
      return (
        device?.bars.some(
          (bar) =>
            (bar.p2p === false || (bar.writable === false && !readonly)) &&
            isOfBar(region, device.name, bar.index),
        ) ?? false
      );
    }
    if (owner !== undefined || !RAM_BLOCKS.has(region)) return false;
    return unpinnableRam.some(({ start, end }) => start < offset + size && offset <= end);
  };
}

/** Whether the region is a BAR of the device, or an mmap of that BAR. */
const isOfBar = (region: string, device: string, index: number): boolean =>
  region.replace(/ mmaps\[\d+\]$/, '') === `${device} BAR ${index}`;
