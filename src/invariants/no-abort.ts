import type { Range } from '../address/index.ts';
import { errnoName } from '../host/index.ts';
import { isColdPlugged } from '../scenario/index.ts';
import type { Trace } from '../target/trace.ts';
import type { VmmEvent } from '../vfio/index.ts';
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
  if (last === undefined || lastRefusal(trace, ({ type }) => type !== 'mmap') !== undefined) return;
  const { devices } = trace.scenario;
  const { operation } = last;
  const tried =
    operation.op === 'hotplug'
      ? devices.filter(({ id }) => id === operation.device)
      : devices.filter(({ id }) => isColdPlugged(trace.scenario, id));
  if (tried.length === 0 || !tried.every(isInOrder)) return;
  examination.violate(
    'sound-device-refused',
    trace.steps.length - 1,
    () => `a device in order is refused: ${trace.error ?? 'without a word'}`,
  );
}

/** The last call to the host that was refused before the VMM died. */
function lastRefusal(
  trace: Trace,
  counts: (event: VmmEvent) => boolean = () => true,
): RefusableEvent | undefined {
  const refusals = trace.steps
    .at(-1)
    ?.events.filter((event) => 'errno' in event && event.errno !== 0 && counts(event));
  return refusals?.at(-1) as RefusableEvent | undefined;
}

type RefusableEvent = Extract<VmmEvent, { errno: unknown }>;

/** The check that failed, and with what error where a call to the host was refused. */
function causeOf(trace: Trace, refused: RefusableEvent | undefined): string {
  const abortSite: string = trace.abortSite ?? 'unknown';
  const asked =
    abortSite.startsWith('dma-') || abortSite === 'memslot' || abortSite === 'memory-registration';
  return asked && refused !== undefined ? `${abortSite}-${errnoName(refused.errno)}` : abortSite;
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
