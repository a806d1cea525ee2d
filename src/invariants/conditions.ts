import { contains, isPowerOfTwo, overlaps, type Range } from '../address/index.ts';
import { Errno } from '../host/index.ts';
import type { BarSpec, Scenario } from '../scenario/index.ts';
import type { BarState, Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { placesWritten } from './bar-history.ts';
import type { Violation } from './invariant.ts';

/** Whether a run has the property that a condition names, as far as the violation is concerned. */
type Holds = (violation: Violation, trace: Trace) => boolean;

/** Whether the violation has addresses, and `test` holds for them. */
const at =
  (test: (place: Range, trace: Trace, violation: Violation) => boolean): Holds =>
  (violation, trace) =>
    violation.at !== undefined && test(violation.at, trace, violation);

const performs =
  (op: string): Holds =>
  ({ step }, { steps }) =>
    steps[Math.min(step, steps.length - 1)]?.operation.op === op;

/**
 * The conditions under which a known finding may show, by their names in stored cases. A violation that breaks the same
 * invariant for the same cause under another condition is another fault.
 */
const CONDITIONS_BY_NAME = {
  /** The smallest page of the IOMMU is larger than the host's. */
  'iommu-page-above-host-page': (_, { pages }) => pages.iommu > pages.host,
  /** A guest page is smaller than a page of the host. */
  'guest-page-below-host-page': (_, { pages }) => pages.guest < pages.host,
  /** The devices are served over vfio-user. */
  'vfio-user': (_, { scenario }) => scenario.host.iommu.type === 'vfio-user',
  pseries: (_, { scenario }) => scenario.machine.type === 'pseries',
  /** A BAR of a device has a size that hardware cannot have. */
  'bar-of-odd-size': (_, { scenario }) =>
    scenario.devices.some(({ bars }) => bars.some(({ size }) => !isPowerOfTwo(size))),
  /** The server offers an mmap area that ends beyond its BAR, or places the MSI-X table there. */
  'area-beyond-bar': (_, { scenario }) =>
    scenario.devices.some(({ bars, msix }) =>
      bars.some(
        ({ index, size, sparse = [] }) =>
          sparse.some((area) => area.offset + area.size > size) ||
          (msix?.tableBar === index && msix.tableOffset >= size),
      ),
    ),
  /** A BAR is smaller than a page of the host. */
  'bar-below-host-page': (_, { scenario, pages }) =>
    scenario.devices.some(({ bars }) => bars.some(({ size }) => size < pages.host)),
  /** The machine has started: a refusal while it starts ends otherwise. */
  'after-start': ({ step }) => step > 0,
  /** The device is plugged into a machine that runs. pseries gets vfio-user devices after its first reset. */
  'in-hotplug': (violation, trace) =>
    performs('hotplug')(violation, trace) ||
    (trace.scenario.machine.type === 'pseries' && trace.scenario.host.iommu.type === 'vfio-user'),
  'in-unplug': performs('unplug'),
  /** The VMM refuses the device in this run. */
  'device-refused': (_, { outcome }) => outcome === 'rejected',
  /** The scenario limits the number of DMA mappings, or the host has refused one with ENOSPC. */
  'mapping-limit': (_, { scenario, steps, teardown }) =>
    scenario.host.iommu.maxMappings !== undefined ||
    [...steps, teardown].some((step) =>
      step?.events.some((event) => event.type === 'dma-map' && event.errno === Errno.ENOSPC),
    ),
  /** The addresses are not all within the IOVAs that the host allows. */
  'outside-apertures': at((place, { scenario }) => {
    const { apertures } = scenario.host.iommu;
    return apertures?.some(({ start, end }) => contains({ start, end: end + 1n }, place)) === false;
  }),
  /** The addresses are not those of whole pages of the IOMMU. */
  'off-iommu-page': at(({ start, end }, { pages }) => start % pages.iommu !== 0n || end % pages.iommu !== 0n),
  /** The addresses lie inside a BAR at a place that the guest has written, not at a place that the VMM chose. */
  'where-the-guest-put-the-bar': at((place, trace) =>
    trace.scenario.devices.some(({ id, bars }) =>
      bars.some((bar) =>
        sizesSeen(bar, id, trace).some((size) =>
          placesWritten(trace.scenario, id, bar.index, size).some((written) => contains(written, place)),
        ),
      ),
    ),
  ),
  /**
   * The host has refused to map a block of virtio-mem below the end of these addresses, so that QEMU asks for none of the later
   * ones, or a block above them, so that QEMU takes these back.
   */
  'refused-virtio-mem': at((place, { steps, scenario }) => {
    const names = scenario.operations.flatMap((operation) =>
      operation.op === 'add-region' && operation.kind === 'virtio-mem' ? [operation.name] : [],
    );
    return steps.some(({ events }) =>
      events.some(
        (event, index) =>
          event.type === 'dma-map' &&
          event.errno !== 0 &&
          names.includes(event.backing.region) &&
          (event.iova < place.end || isUnmappedNext(events[index + 1], place)),
      ),
    );
  }),
  'in-virtio-mem': at((place, { scenario }) => memoriesAt(place, scenario).length > 0),
  /** The host has refused to map a block of the virtio-mem there, be it another one. */
  'refused-block-of-virtio-mem': at((place, { steps, scenario }) => {
    const memories = memoriesAt(place, scenario);
    return steps.some(({ events }) =>
      events.some(
        (event) => event.type === 'dma-map' && event.errno !== 0 && memories.includes(event.backing.region),
      ),
    );
  }),
  /** The VMM says that all blocks of virtio-mem could be more mappings than the host takes. */
  'blocks-beyond-mapping-limit': (_, { error }) =>
    error?.includes('possibly running out of DMA mappings') === true,
  /** The VMM maps there a BAR of which it mmaps an area that begins later than the BAR, by a dma-buf. */
  'dma-buf-of-later-area': at((place, { scenario, steps }) => {
    const events = steps.flatMap((step) => step.events);
    const later = events.flatMap((event) =>
      event.type === 'mmap' && event.errno === 0 && event.offset > 0n
        ? [{ owner: event.device, name: `BAR ${event.bar} mmaps` }]
        : [],
    );
    return (
      scenario.host.iommu.type === 'iommufd' &&
      events.some(
        (event) =>
          event.type === 'dma-map' &&
          event.errno === 0 &&
          later.some(
            ({ owner, name }) => event.backing.owner === owner && event.backing.region.includes(name),
          ) &&
          overlaps({ start: event.iova, end: event.iova + event.size }, place),
      )
    );
  }),
  /** The guest has put a read-only BAR there. */
  'read-only-bar': at((place, { scenario, steps }, { step }) => {
    const { devices } = steps[Math.min(step, steps.length - 1)]!.state;
    return scenario.devices.some(({ id, bars }) =>
      bars.some(
        ({ index, writable }) =>
          writable === false &&
          devices
            .find((device) => device.id === id)
            ?.bars.some((bar) => bar.index === index && isShownAt(bar, place)),
      ),
    );
  }),
  /** The address of a flat range there, less the offset in the region, is no multiple of the host's page. */
  'incongruent-section': at(({ start, end }, { steps, pages }, { step }) =>
    steps
      .slice(0, step + 1)
      .some(({ state }) =>
        state.flatView.some(
          (range) =>
            range.start < end && start < range.end && (range.start - range.offset) % pages.host !== 0n,
        ),
      ),
  ),
} satisfies Record<string, Holds>;

/** The names of each virtio-mem that is there at some time. */
const memoriesAt = (place: Range, { operations }: Scenario): readonly string[] =>
  operations.flatMap((operation) =>
    operation.op === 'add-region' &&
    operation.kind === 'virtio-mem' &&
    contains({ start: operation.address, end: operation.address + operation.size }, place)
      ? [operation.name]
      : [],
  );

const isUnmappedNext = (event: VmmEvent | undefined, place: Range): boolean =>
  event?.type === 'dma-unmap' && overlaps({ start: event.iova, end: event.iova + event.size }, place);

const isShownAt = ({ address, size }: BarState, place: Range): boolean =>
  address !== undefined && overlaps({ start: address, end: address + size }, place);

/** How large the guest sees a BAR: relocation makes a BAR larger, and QEMU stretches a small one to a page. */
function sizesSeen({ index, size }: BarSpec, device: string, { steps, pages }: Trace): readonly bigint[] {
  const seen = steps
    .flatMap(({ state }) => state.devices)
    .find(({ id }) => id === device)
    ?.bars.find((bar) => bar.index === index)?.size;
  const decoded = seen ?? size;
  return decoded < pages.host ? [decoded, pages.host] : [decoded];
}

export type ConditionName = keyof typeof CONDITIONS_BY_NAME;

/** The names of all conditions. */
export const CONDITIONS = Object.keys(CONDITIONS_BY_NAME) as readonly ConditionName[];

/** Whether the violation shows under the condition. */
export const holdsFor = (name: ConditionName, violation: Violation, trace: Trace): boolean =>
  (CONDITIONS_BY_NAME[name] as Holds)(violation, trace);
