import { rangeFrom, spanOf } from './describe.ts';
import type { Invariant } from './invariant.ts';
import { forEachEvent } from './steps.ts';
import type { Trace } from '../trace/index.ts';
import type { DmaUnmapEvent, VmmEvent } from '../vfio/index.ts';

/** Peer-to-peer DMA is a luxury: a host without it loses nothing else. */
export const mmioMapNotFatal: Invariant = {
  id: 'mmio-map-not-fatal',
  clause: 'failure to DMA-map device MMIO never ends the machine',
  severity: 'error',
  site: 'hw/vfio/listener.c: vfio_container_region_add, label fail',
  check(trace, examination) {
    const fatal = fatalEvent(trace);
    const missing = missingWindow(trace);
    forEachEvent(trace, (event, step) => {
      if (event.type !== 'dma-map' && event.type !== 'window-create') return;
      if (!event.deviceMemory || event.errno === 0) return;
      examination.exercised++;
      const start = event.type === 'dma-map' ? event.iova : event.start;
      const refused = causeOf(event.type, start);
      // What addition forgave, removal does not: it finds no window to remove.
      const isMissing =
        event.type === 'window-create' && missing?.iova === start && missing.size === event.size;
      if (event !== fatal && !isMissing) return;
      examination.violate(
        event === fatal ? refused : `removal-of-${refused}`,
        step,
        () => `the VMM dies because device memory at ${spanOf(start, event.size)} cannot be mapped for DMA`,
        rangeFrom(start, event.size),
      );
    });
  },
};

/** What the VMM died of: the last thing that it did, but for its last words, where it does not name another. */
function fatalEvent({ outcome, abortSite, steps }: Trace): VmmEvent | undefined {
  if (outcome !== 'aborted') return undefined;
  const mayBe =
    abortSite === undefined || abortSite === 'dma-map-device-memory' || abortSite === 'dma-window';
  return mayBe ? steps.at(-1)?.events.findLast(({ type }) => type !== 'message') : undefined;
}

/** What was just unmapped, when the VMM died of a window; where it died of a new one, its refusal came last. */
function missingWindow({ abortSite, steps }: Trace): DmaUnmapEvent | undefined {
  const last = steps.at(-1)?.events.findLast(({ type }) => type !== 'message');
  return abortSite === 'dma-window' && last?.type === 'dma-unmap' ? last : undefined;
}

const TOP_HALF = 1n << 63n;

/**
 * What was refused. Beyond 2^63 no BAR is meant to be: it is there for a moment, while it is sized
 * (vfio fact 6.1).
 */
function causeOf(type: 'dma-map' | 'window-create', start: bigint): string {
  if (type === 'window-create') return 'refused-window';
  return start >= TOP_HALF ? 'refused-map-in-top-half' : 'refused-map';
}
