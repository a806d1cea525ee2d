import type { DmaMapEvent, WindowEvent } from '../vfio/index.ts';
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
        causeOf(event),
        step,
        () => `the VMM dies because device memory at ${spanOf(start, event.size)} cannot be mapped for DMA`,
        rangeFrom(start, event.size),
      );
    });
  },
};

const TOP_HALF = 1n << 63n;

/** What was refused. Beyond 2^63 no BAR is meant to be: it is there for a moment, while it is sized (fact 6.1). */
function causeOf(event: DmaMapEvent | WindowEvent): string {
  if (event.type !== 'dma-map') return 'refused-window';
  return event.iova >= TOP_HALF ? 'refused-map-in-top-half' : 'refused-map';
}
