import { alignDown, alignUp, greater, isAligned } from '../address/index.ts';
import {
  endOfMapping,
  firstMappingAbove,
  type ContainerState,
  type TraceMapping,
  type TraceRange,
} from '../trace/index.ts';
import { rangeFrom, regionName, spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';

/** A guest whose pages are smaller than the host's may give a device a page that cannot be DMA-mapped. */
export const guestPageReachable: Invariant = {
  id: 'guest-page-reachable',
  clause: 'every guest page of RAM is in a DMA mapping, also where guest pages are smaller than host pages',
  severity: 'warning',
  site: 'hw/vfio/listener.c: vfio_get_section_iova_range',
  start(trace, examination) {
    const { guest, host, iommu } = trace.pages;
    if (guest >= host) return undefined;
    const pages = { guest, unit: greater(iommu, host) };
    return {
      step({ remapped }, { containers }) {
        for (const container of containers) {
          for (const range of remapped) {
            if (isForDevices(range)) checkRange(range, container, pages, examination);
          }
        }
      },
    };
  },
};

/** Whether devices are to reach all pages of the range. Of virtio-mem the guest may have none yet. */
const isForDevices = ({ region, readonly }: TraceRange): boolean =>
  region.kind === 'ram' && !readonly && region.isProtected !== true && region.discards === undefined;

/** Page sizes in bytes. */
interface Pages {
  readonly guest: bigint;
  /** The pages that the host can map. */
  readonly unit: bigint;
}

/** Checks that the container maps all guest pages of the range. */
function checkRange(
  range: TraceRange,
  { name, mappings }: ContainerState,
  { guest, unit }: Pages,
  examination: Examination,
): void {
  const start = alignUp(range.start, guest);
  const end = alignDown(range.end, guest);
  if (start >= end) return;
  examination.exercised++;
  // A page that the host could map says more than a page at the edge of RAM, which no VMM can map.
  const unmapped = firstUnmapped(range, unit, mappings);
  const address = unmapped ?? firstGap(mappings, start, end);
  if (address === undefined) return;
  examination.violate(
    unmapped === undefined ? 'unreachable-guest-page' : 'unmapped-guest-page',
    () =>
      `guest page ${spanOf(address, guest)} of ${regionName(range.region)} is in no DMA mapping of ${name}`,
    rangeFrom(address, guest),
  );
}

/**
 * The first unmapped address in the whole pages of a range.
 *
 * @param unit size of the pages that the host can map, in bytes.
 */
function firstUnmapped(
  range: TraceRange,
  unit: bigint,
  mappings: readonly TraceMapping[],
): bigint | undefined {
  if (!isAligned(range.start - range.offset, unit)) return undefined;
  return firstGap(mappings, alignUp(range.start, unit), alignDown(range.end, unit));
}

/** The first address in `[start, end)` that no mapping translates. */
function firstGap(mappings: readonly TraceMapping[], start: bigint, end: bigint): bigint | undefined {
  let address = start;
  for (let index = firstMappingAbove(mappings, address); address < end; index++) {
    const next = mappings[index];
    if (next === undefined || next.iova > address) return address;
    address = endOfMapping(next);
  }
  return undefined;
}
