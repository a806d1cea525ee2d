import { rangeFrom, spanOf } from './describe.ts';
import type { Invariant } from './invariant.ts';
import { forEachEvent } from './steps.ts';

/** Peer-to-peer DMA is a luxury: a host without it loses nothing else. */
export const mmioMapNotFatal: Invariant = {
  id: 'mmio-map-not-fatal',
  clause: 'failure to DMA-map device MMIO never ends the machine',
  severity: 'error',
  site: 'hw/vfio/listener.c: vfio_container_region_add, label fail',
  check(trace, examination) {
    // What the VMM died of is the last thing it did but for its last words.
    const fatal =
      trace.outcome === 'aborted'
        ? trace.steps.at(-1)?.events.findLast(({ type }) => type !== 'message')
        : undefined;
    forEachEvent(trace, (event, step) => {
      if (event.type !== 'dma-map' && event.type !== 'window-create') return;
      if (!event.deviceMemory || event.errno === 0) return;
      examination.exercised++;
      if (event !== fatal) return;
      const start = event.type === 'dma-map' ? event.iova : event.start;
      examination.violate(
        event.type === 'dma-map' ? 'refused-map' : 'refused-window',
        step,
        () => `the VMM dies because device memory at ${spanOf(start, event.size)} cannot be mapped for DMA`,
        rangeFrom(start, event.size),
      );
    });
  },
};
