import type { Range } from '../address/index.ts';
import { errnoName } from '../host/index.ts';
import type { Trace } from '../target/trace.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { rangeFrom } from './describe.ts';
import type { Invariant } from './invariant.ts';

/** Nothing that a guest, a device or an operator does may kill the VMM. */
export const noAbort: Invariant = {
  id: 'no-abort',
  clause: 'no scenario that the host accepts makes the VMM abort',
  severity: 'error',
  site: 'hw/vfio/listener.c: hw_error in vfio_container_region_add; accel/kvm/kvm-all.c: kvm_set_phys_mem',
  check(trace, examination) {
    examination.exercised++;
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

/** The last call to the host that was refused before the VMM died. */
function lastRefusal(trace: Trace): RefusableEvent | undefined {
  const refusals = trace.steps.at(-1)?.events.filter((event) => 'errno' in event && event.errno !== 0);
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
