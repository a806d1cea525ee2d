import { hex, isAligned } from '../address/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Trace } from '../trace/index.ts';
import type { DmaMapEvent } from '../vfio/index.ts';
import type { Invariant } from './invariant.ts';
import { forEachEvent } from './steps.ts';

/** No request leaves the VMM that the IOMMU's pages cannot hold: the failure of the seed thread. */
export const mapAligned: Invariant = {
  id: 'map-aligned',
  clause:
    "every VFIO_MAP_DMA has iova, size and backing address aligned to the smallest page of the container's IOMMU",
  severity: 'error',
  site: 'hw/vfio/listener.c: vfio_container_region_add',
  check(trace, examination) {
    const page = trace.pages.iommu;
    forEachEvent(trace, (event, step) => {
      if (event.type !== 'dma-map') return;
      examination.exercised++;
      const { iova, size, hostAddress, deviceMemory, backing } = event;
      // A vfio-user client names a file and an offset, and a real VMM keeps its addresses to itself.
      const isToldWhere = trace.scenario.host.iommu.type !== 'vfio-user' && hostAddress !== undefined;
      if (isAligned(iova | size | (isToldWhere ? hostAddress : 0n), page)) return;
      examination.violate(
        causeOf(event, trace),
        step,
        () =>
          `${deviceMemory ? 'device memory' : 'RAM'} "${backing.region}" is to be mapped at ${spanOf(iova, size)}, ` +
          `${isToldWhere ? `backed at ${hex(hostAddress)}, ` : ''}but the IOMMU's smallest page has ${hex(page)} bytes`,
        rangeFrom(iova, size),
      );
    });
  },
};

/** What is not aligned, and how it came to be so small where the range is not. */
function causeOf({ iova, size, deviceMemory, backing }: DmaMapEvent, { pages, scenario }: Trace): string {
  const kind = deviceMemory ? 'device-memory' : 'ram';
  if (isAligned(iova | size, pages.iommu)) return `${kind}-backing-unaligned`;
  // RAM that was not even trimmed to the host's pages, and RAM of an IOMMU with larger ones.
  if (!deviceMemory) return isAligned(iova | size, pages.host) ? 'ram-range-unaligned' : 'ram-off-host-page';
  const device = scenario.devices.find(({ id }) => id === backing.owner);
  const bar = device?.bars.find(({ index }) => backing.region.includes(` BAR ${index} `));
  // A BAR of whole pages was cut up by what lies on top of it: the failure of the seed thread.
  return bar !== undefined && bar.size < pages.iommu ? 'small-bar-unaligned' : 'bar-fragment-unaligned';
}
