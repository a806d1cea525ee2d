import { partsOutside, type Range } from '../address/index.ts';
import { isSettled, type Trace } from '../trace/index.ts';
import { rangeFrom } from './describe.ts';

/**
 * Guest addresses of RAM that an sPAPR container has not registered when the run ends: the kernel refuses every mapping
 * that the guest makes of such RAM (host fact T8). `undefined` if there is none, or if the kernel refused to register
 * memory. The addresses behind the RAM are known from its memslots.
 */
export function unregisteredRam(trace: Trace): Range | undefined {
  const { scenario, steps } = trace;
  const last = steps.at(-1);
  if (scenario.host.iommu.type !== 'spapr-tce-v2' || last === undefined) return undefined;
  if (last.state.containers.length === 0 || !isSettled(trace, steps.length - 1)) return undefined;
  const registered = registeredMemory(trace, last.state.containers[0]!.name);
  if (registered === undefined) return undefined;
  const { flatView, memslots } = last.state;
  return flatView.find(({ start, end, region, readonly }) => {
    if (region.kind !== 'ram' || readonly) return false;
    // QEMU registers whole sections only, so a slot that is a part of one says nothing.
    const slot = memslots.find(({ gpa, size }) => gpa === start && gpa + size === end);
    return slot !== undefined && partsOutside(rangeFrom(slot.hostAddress, slot.size), registered).length > 0;
  });
}

/** The host addresses that a container has registered; `undefined` if the kernel refused some. */
function registeredMemory({ steps }: Trace, container: string): readonly Range[] | undefined {
  let registered: readonly Range[] = [];
  for (const event of steps.flatMap(({ events }) => events)) {
    if (event.type !== 'register-memory' && event.type !== 'unregister-memory') continue;
    if (event.container !== container) continue;
    if (event.errno !== 0) return undefined;
    const range = rangeFrom(event.hostAddress, event.size);
    registered =
      event.type === 'register-memory'
        ? [...registered, range]
        : registered.flatMap((other) => partsOutside(other, [range]));
  }
  return registered;
}
