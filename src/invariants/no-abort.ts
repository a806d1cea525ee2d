import { isAligned, type Range } from '../address/index.ts';
import { Errno, errnoName } from '../host/index.ts';
import { coldPlugged } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import type { AbortSite, VmmEvent } from '../vfio/index.ts';
import { rangeFrom } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { isInOrder } from './sound-device.ts';

/** Nothing that a guest, a device or an operator does may kill the VMM. */
export const noAbort: Invariant = {
  id: 'no-abort',
  clause: 'no scenario that the host accepts makes the VMM abort, or refuse a device that is in order',
  severity: 'error',
  site: 'hw/vfio/listener.c: hw_error in vfio_container_region_add; accel/kvm/kvm-all.c: kvm_set_phys_mem',
  check(trace, examination) {
    examination.exercised++;
    if (trace.outcome === 'rejected') checkRefusal(trace, examination);
    if (trace.outcome !== 'aborted') return;
    const refused = lastRefusal(trace);
    examination.violate(
      causeOf(trace, refused),
      trace.steps.length - 1,
      () => `the VMM dies: ${trace.error ?? 'without a word'}`,
      refused && placeOf(refused),
    );
  },
};

/** A VMM that will not start with a device in order, on a host that grants it all, has ended for nothing. */
function checkRefusal(trace: Trace, examination: Examination): void {
  const last = trace.steps.at(-1);
  // An mmap that is refused costs no more than speed.
  const isGranted = last?.events.every(
    (event) => !('errno' in event) || event.errno === 0 || event.type === 'mmap',
  );
  if (last === undefined || !isGranted) return;
  const { operation } = last;
  const tried =
    operation.op === 'hotplug'
      ? trace.scenario.devices.filter(({ id }) => id === operation.device)
      : coldPlugged(trace.scenario);
  if (tried.length === 0 || !tried.every(isInOrder)) return;
  examination.violate(
    'sound-device-refused',
    trace.steps.length - 1,
    () => `a device in order is refused: ${trace.error ?? 'without a word'}`,
  );
}

type RefusableEvent = Extract<VmmEvent, { errno: unknown }>;

/** The calls to the host whose refusal may have led to each death. */
const CALLS: Readonly<Record<string, readonly VmmEvent['type'][]>> = {
  'dma-map-ram': ['dma-map'],
  'dma-map-device-memory': ['dma-map'],
  'dma-window': ['window-create', 'window-remove'],
  'memory-registration': ['register-memory', 'unregister-memory'],
  memslot: ['memslot'],
} satisfies Partial<Record<AbortSite, readonly VmmEvent['type'][]>>;

/** The last call to the host of that kind which was refused before the VMM died. */
function lastRefusal({ abortSite, steps }: Trace): RefusableEvent | undefined {
  const calls = abortSite === undefined ? undefined : CALLS[abortSite];
  return steps
    .at(-1)
    ?.events.findLast(
      (event): event is RefusableEvent =>
        'errno' in event && event.errno !== 0 && calls?.includes(event.type) === true,
    );
}

/** The check that failed, and with what error where a call to the host was refused. */
function causeOf({ abortSite, pages }: Trace, refused: RefusableEvent | undefined): string {
  const site = abortSite ?? 'unknown';
  if (refused === undefined) return site;
  const cause = `${site}-${errnoName(refused.errno)}`;
  if (refused.errno !== Errno.EINVAL) return cause;
  // EINVAL has many reasons; one that the request itself shows is told apart.
  if (refused.type === 'memslot') {
    const { gpa, size } = refused.slot;
    return isAligned(gpa | size, pages.host) ? cause : `${cause}-off-page`;
  }
  if (refused.type !== 'dma-map' || refused.deviceMemory) return cause;
  return isAligned(refused.iova | refused.size | (refused.hostAddress ?? 0n), pages.iommu)
    ? `${cause}-out-of-reach`
    : cause;
}

/** The guest's addresses that the call was about. */
function placeOf(event: RefusableEvent): Range | undefined {
  switch (event.type) {
    case 'dma-map':
      return rangeFrom(event.iova, event.size);
    case 'memslot':
      return rangeFrom(event.slot.gpa, event.slot.size);
    case 'window-create':
      return rangeFrom(event.start, event.size);
    default:
      return undefined;
  }
}
