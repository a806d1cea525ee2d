import { overlaps, type Range } from '../address/index.ts';
import type { Step, Trace, TraceRange } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';

type Request = Extract<VmmEvent, { type: 'dma-map' | 'window-create' | 'window-remove' }>;
type Skip = Extract<VmmEvent, { type: 'skip' }>;

/** The last map of the step that meets the range and that the host refused. */
export const refusalOf = (range: Range, { events }: Step): Request | undefined =>
  events
    .filter((event): event is Request => event.type === 'dma-map' || event.type === 'window-create')
    .findLast((event) => event.errno !== 0 && overlaps(range, requested(event)));

/** Why the listener left the range out when it last saw the range, in this step or before. */
export function skipOf({ start }: TraceRange, index: number, { steps }: Trace): Skip | undefined {
  const skip = steps
    .slice(0, index + 1)
    .flatMap(({ events }) => events)
    .findLast((event) => event.type === 'skip' && event.start === start);
  return skip?.type === 'skip' ? skip : undefined;
}

/** The IOVAs of a map or of a window. */
const requested = (event: Request): Range =>
  event.type === 'dma-map'
    ? { start: event.iova, end: event.iova + event.size }
    : { start: event.start, end: event.start + event.size };
