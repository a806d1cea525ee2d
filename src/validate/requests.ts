import { fingerprintText, type Violation } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';

/** A kind of request of the VMM to its host, as a verdict names it. */
export type RequestKind =
  | 'DMA map of RAM'
  | 'DMA map of device memory'
  | 'memslot of RAM'
  | 'memslot of device memory'
  | 'mmap of a BAR'
  | 'DMA window'
  | 'registration of RAM';

type RequestEvent = Extract<VmmEvent, { errno: unknown }>;

/** The kind of a request; `undefined` for one that takes something back, and for other events. */
function kindOf(event: VmmEvent): RequestKind | undefined {
  switch (event.type) {
    case 'dma-map':
      return event.deviceMemory ? 'DMA map of device memory' : 'DMA map of RAM';
    case 'memslot':
      if (event.slot.size === 0n) return undefined;
      return event.slot.backing.owner === undefined ? 'memslot of RAM' : 'memslot of device memory';
    case 'mmap':
      return 'mmap of a BAR';
    case 'window-create':
      return 'DMA window';
    case 'register-memory':
      return 'registration of RAM';
    default:
      return undefined;
  }
}

/** The kinds of request that the host grants in a run: a VMM whose requests all fail comes to no point either. */
export function requestsIn({ steps }: Trace): ReadonlySet<RequestKind> {
  const kinds = new Set<RequestKind>();
  for (const { events } of steps) {
    for (const event of events) {
      const kind = 'errno' in event && event.errno === 0 ? kindOf(event) : undefined;
      if (kind !== undefined) kinds.add(kind);
    }
  }
  return kinds;
}

/** The type of the request without which no run can show a cause, by the beginning of the fingerprint. */
const NEEDED: readonly (readonly [cause: RegExp, type: RequestEvent['type']])[] = [
  [/^(?:map-|incremental-equals-scratch\/|mmio-map-not-fatal\/|msix-trapped\/dma-mapped)/, 'dma-map'],
  [/^no-abort\/dma-map-/, 'dma-map'],
  [/^(?:memslot-|no-abort\/memslot|msix-trapped\/in-memslot)/, 'memslot'],
  [/^mmap-inside-bar\//, 'mmap'],
  [/^(?:window-limit\/|no-abort\/dma-window)/, 'window-create'],
  [/^no-abort\/memory-registration/, 'register-memory'],
];

/**
 * The kind of request without which the violation cannot be: a VMM that never asks for memslots cannot die of a
 * refused one. `undefined` where the violation depends on no request.
 *
 * @param trace the run that shows the violation.
 */
export function requestBehind(violation: Violation, trace: Trace): RequestKind | undefined {
  const name = fingerprintText(violation);
  const type = NEEDED.find(([cause]) => cause.test(name))?.[1];
  if (type === undefined) return undefined;
  const before = trace.steps.slice(0, violation.step + 1).flatMap(({ events }) => events);
  const requests = before.filter((event) => event.type === type && kindOf(event) !== undefined);
  const isRefused = (event: VmmEvent): boolean => 'errno' in event && event.errno !== 0;
  const about = requests.filter((event) => touches(event, violation));
  // A violation without addresses is about what the host granted, such as a mapping that is left at the end.
  const request =
    violation.at === undefined
      ? (requests.find((event) => !isRefused(event)) ?? requests.at(-1))
      : (about.findLast(isRefused) ?? about.at(-1) ?? requests.at(-1));
  return request && kindOf(request);
}

/** Whether the request is about addresses of the violation; true where either has no addresses. */
function touches(event: VmmEvent, { at }: Violation): boolean {
  if (at === undefined) return true;
  const [start, size] =
    event.type === 'dma-map'
      ? [event.iova, event.size]
      : event.type === 'memslot'
        ? [event.slot.gpa, event.slot.size]
        : [at.start, 1n];
  return start < at.end && at.start < start + size;
}
