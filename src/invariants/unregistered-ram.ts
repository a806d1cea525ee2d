import { partsOutside, type Range } from '../address/index.ts';
import type { Trace } from '../trace/index.ts';
import type { DmaMapEvent } from '../vfio/index.ts';
import { rangeFrom } from './describe.ts';

/**
 * The first map of RAM that the kernel of a POWER host refused because the VMM had not registered the memory (host
 * fact T8). `undefined` if there is none, or if the kernel refused to register memory.
 */
export function unregisteredRam({ scenario, steps }: Trace): DmaMapEvent | undefined {
  if (scenario.host.iommu.type !== 'spapr-tce-v2') return undefined;
  let registered: readonly Range[] = [];
  for (const event of steps.flatMap(({ events }) => events)) {
    if (event.type === 'register-memory') {
      if (event.errno !== 0) return undefined;
      registered = [...registered, rangeFrom(event.hostAddress, event.size)];
    }
    if (event.type === 'unregister-memory') {
      const gone = rangeFrom(event.hostAddress, event.size);
      registered = registered.flatMap((range) => partsOutside(range, [gone]));
    }
    if (event.type !== 'dma-map' || event.errno === 0 || event.deviceMemory) continue;
    const { hostAddress, size } = event;
    if (hostAddress === undefined) continue;
    if (partsOutside(rangeFrom(hostAddress, size), registered).length > 0) return event;
  }
  return undefined;
}
