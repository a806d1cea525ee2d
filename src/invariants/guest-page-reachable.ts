import { alignDown, alignUp } from '../address/index.ts';
import { endOfMapping, firstMappingAbove } from '../target/trace.ts';
import { rangeFrom, regionName, spanOf } from './describe.ts';
import type { Invariant } from './invariant.ts';
import { dmaChanged, forEachChange, settled } from './steps.ts';

/** A guest with small pages on a host with large ones may hand a device a page that cannot be mapped. */
export const guestPageReachable: Invariant = {
  id: 'guest-page-reachable',
  clause: 'no guest page smaller than the host page is out of the reach of every DMA mapping',
  severity: 'warning',
  site: 'hw/vfio/listener.c: vfio_get_section_iova_range',
  check(trace, examination) {
    const { guest, host } = trace.pages;
    if (guest >= host) return;
    forEachChange(settled(trace), dmaChanged, (state, step) => {
      for (const { name, mappings } of state.containers) {
        for (const range of state.dmaView) {
          if (range.region.kind !== 'ram' || range.readonly) continue;
          const start = alignUp(range.start, guest);
          const end = alignDown(range.end, guest);
          if (start >= end) continue;
          examination.exercised++;
          let address: bigint = start;
          for (let index = firstMappingAbove(mappings, address); address < end; index++) {
            const next = mappings[index];
            if (next === undefined || next.iova > address) break;
            address = endOfMapping(next);
          }
          if (address >= end) continue;
          examination.violate(
            'unreachable-guest-page',
            step,
            () =>
              `guest page ${spanOf(address, guest)} of ${regionName(range.region)} is in no DMA mapping of ${name}`,
            rangeFrom(address, guest),
          );
        }
      }
    });
  },
};
