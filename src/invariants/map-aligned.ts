import { hex, isAligned } from '../address/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Trace } from '../trace/index.ts';
import type { DmaMapEvent, RegisterMemoryEvent } from '../vfio/index.ts';
import type { Examination, Invariant } from './invariant.ts';

/** The IOMMU cannot map less than its smallest page: the failure that began the seed thread. */
export const mapAligned: Invariant = {
  id: 'map-aligned',
  clause:
    "every VFIO_MAP_DMA has iova, size and backing address aligned to the smallest page of the container's IOMMU; " +
    'sPAPR registers whole pages of the host',
  severity: 'error',
  site: 'hw/vfio/listener.c: vfio_container_region_add',
  start(trace, examination) {
    const page = trace.pages.iommu;
    // A vfio-user client sends a file offset in place of the address.
    const sendsAddresses = trace.scenario.host.iommu.type !== 'vfio-user';
    return {
      event(event) {
        if (event.type === 'register-memory') checkRegistration(event, trace, examination);
        if (event.type !== 'dma-map') return;
        examination.exercised++;
        const { iova, size, hostAddress, deviceMemory, backing } = event;
        // The trace of a real VMM has no host addresses.
        const hasAddress = sendsAddresses && hostAddress !== undefined;
        if (isAligned(iova | size | (hasAddress ? hostAddress : 0n), page)) return;
        examination.violate(
          causeOf(event, trace),
          () =>
            `${deviceMemory ? 'device memory' : 'RAM'} "${backing.region}" is to be DMA-mapped at ${spanOf(iova, size)}` +
            `${hasAddress ? ` from host address ${hex(hostAddress)}` : ''}, ` +
            `but the smallest page of the IOMMU has ${hex(page)} bytes`,
          rangeFrom(iova, size),
        );
      },
    };
  },
};

/** The kernel registers whole pages (host fact G2): what it refuses during set-up keeps a good device out. */
function checkRegistration(
  { hostAddress, size }: RegisterMemoryEvent,
  { pages }: Trace,
  examination: Examination,
): void {
  examination.exercised++;
  if (isAligned(hostAddress | size, pages.host)) return;
  examination.violate(
    'registration-unaligned',
    () =>
      `memory is to be registered at host address ${spanOf(hostAddress, size)}, but a page of the host has ${hex(pages.host)} bytes`,
  );
}

/** Whether the range or only its host address is unaligned, and which rule let an unaligned range pass. */
function causeOf({ iova, size, deviceMemory, backing }: DmaMapEvent, { pages, scenario }: Trace): string {
  const kind = deviceMemory ? 'device-memory' : 'ram';
  if (isAligned(iova | size, pages.iommu)) return `${kind}-backing-unaligned`;
  // Either the VMM did not trim RAM to host pages, or the IOMMU has larger pages than the host.
  if (!deviceMemory) return isAligned(iova | size, pages.host) ? 'ram-range-unaligned' : 'ram-off-host-page';
  const device = scenario.devices.find(({ id }) => id === backing.owner);
  const bar = device?.bars.find(({ index }) => backing.region.includes(` BAR ${index} `));
  // A BAR of whole pages is cut up by the MSI-X table on top of it: the failure of the seed thread.
  return bar !== undefined && bar.size < pages.iommu ? 'small-bar-unaligned' : 'bar-fragment-unaligned';
}
