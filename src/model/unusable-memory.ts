import type { DmaMapRequest } from '../host/index.ts';
import { RAM_BLOCKS } from '../machine/index.ts';
import type { DeviceSpec, HostSpec } from '../scenario/index.ts';

/**
 * Which memory the host's kernel cannot map for DMA: the pages of RAM that it cannot pin, and the BARs of which
 * the scenario says so.
 */
export function unusableMemory(
  { unpinnableRam = [] }: HostSpec,
  devices: readonly DeviceSpec[],
): (request: DmaMapRequest) => boolean {
  const areas = new Set(
    devices.flatMap(({ id, name, bars }) =>
      bars.filter(({ p2p }) => p2p === false).map(({ index }) => `${id} ${name} BAR ${index}`),
    ),
  );
  return ({ deviceMemory, backing: { region, owner, offset }, size }) => {
    if (deviceMemory) return areas.has(`${owner} ${region.replace(/ mmaps\[\d+\]$/, '')}`);
    if (owner !== undefined || !RAM_BLOCKS.has(region)) return false;
    return unpinnableRam.some(({ start, end }) => start < offset + size && offset <= end);
  };
}
