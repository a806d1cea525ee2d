import { rangeFrom, spanOf } from './describe.ts';
import type { Invariant } from './invariant.ts';
import type { Trace } from '../trace/index.ts';
import type { DmaUnmapEvent, VmmEvent } from '../vfio/index.ts';

/** Device memory is DMA-mapped only for P2P: without the mapping everything else works. */
export const mmioMapNotFatal: Invariant = {
  id: 'mmio-map-not-fatal',
  clause: 'a failed DMA mapping of device memory, which only P2P needs, never ends the VMM',
  severity: 'error',
  site: 'hw/vfio/listener.c: vfio_container_region_add, label fail',
  start(trace, examination) {
    const fatal = fatalEvent(trace);
    const missing = missingWindow(trace);
    return {
      event(event) {
        if (event.type !== 'dma-map' && event.type !== 'window-create') return;
        if (!event.deviceMemory || event.errno === 0) return;
        examination.exercised++;
        const start = event.type === 'dma-map' ? event.iova : event.start;
        const refused = causeOf(event.type, start);
        // The VMM tolerated the refused window when it added the section, and dies when it removes the section.
        const isMissing =
          event.type === 'window-create' && missing?.iova === start && missing.size === event.size;
        if (event !== fatal && !isMissing) return;
        examination.violate(
          event === fatal ? refused : `removal-of-${refused}`,
          () => `the VMM dies because device memory at ${spanOf(start, event.size)} cannot be DMA-mapped`,
          rangeFrom(start, event.size),
        );
      },
    };
  },
};

/** The event that killed the VMM: its last one before its last messages, unless it died for another reason. */
function fatalEvent({ outcome, abortSite, steps }: Trace): VmmEvent | undefined {
  if (outcome !== 'aborted') return undefined;
  const mayBe =
    abortSite === undefined || abortSite === 'dma-map-device-memory' || abortSite === 'dma-window';
  return mayBe ? steps.at(-1)?.events.findLast(({ type }) => type !== 'message') : undefined;
}

/**
 * The last unmap of a VMM that died because it found no DMA window to remove; `undefined` for any other death. A
 * VMM that dies of a window that it could not create has the refusal as its last event.
 */
function missingWindow({ abortSite, steps }: Trace): DmaUnmapEvent | undefined {
  if (abortSite !== 'dma-window') return undefined;
  const last = steps.at(-1)?.events.findLast(({ type }) => type !== 'message');
  return last?.type === 'dma-unmap' ? last : undefined;
}

const TOP_HALF = 1n << 63n;

/**
 * The request that the host refused. A BAR lies at or above 2^63 only for a moment, while the guest sizes it
 * (vfio fact 6.1).
 */
function causeOf(type: 'dma-map' | 'window-create', start: bigint): string {
  if (type === 'window-create') return 'refused-window';
  return start >= TOP_HALF ? 'refused-map-in-top-half' : 'refused-map';
}
