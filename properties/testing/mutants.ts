import { hostAddress, offset } from '../../src/address/index.ts';
import { Errno, KvmMemslots, SpaprTceContainer, Type1Container } from '../../src/host/index.ts';
import type { InvariantId } from '../../src/invariants/index.ts';
import { MemoryRegion, type MemoryRules } from '../../src/memory/index.ts';
import { msixTableSize } from '../../src/pci-layout/index.ts';
import type { FaultSpec, Scenario } from '../../src/scenario/index.ts';
import { RAM_START } from '../../generators/ram-start.ts';
import { runOnModel, type AnyRevision } from '../../src/model/index.ts';
import type { State, Trace, TraceRange } from '../../src/trace/index.ts';
import {
  DeviceRefused,
  DmaListener,
  MemslotListener,
  findRevision,
  type DeviceRules,
  type ListenerRules,
  type MemslotRules,
  type Revision,
} from '../../src/vfio/index.ts';

/**
 * A faulty engine, and the findings that it must lead to. The fault is a rule of a revision, a replaced method of a
 * listener or of the host, or a distortion of the trace.
 */
export interface Mutant {
  /** The fault, after the ids of the known bugs with this fault. */
  readonly name: string;
  /** The revision that gets the fault, and whose own findings do not count. */
  readonly base: AnyRevision;
  /** The revision with faulty rules in place of `base`. */
  readonly revision?: AnyRevision;
  /** Replaces code of the engine, and returns a function that restores it. */
  readonly sabotage?: () => () => void;
  /** Changes the trace of a run. */
  readonly distort?: (trace: Trace) => Trace;
  /** Changes the scenarios of both sides so that the base has no such finding of its own. */
  readonly only?: (scenario: Scenario) => Scenario;
  /** The number of cases within which the findings must be made. */
  readonly cases: number;
  /** The causes that must be found, by invariant. The base has none of them. */
  readonly fires: Readonly<Partial<Record<InvariantId, readonly string[]>>>;
  /** Other invariants that may break in consequence; all others must hold. */
  readonly mayBreak?: readonly InvariantId[];
}

const revisionOf = (id: string): Revision => findRevision(id)!;
export const qemu111 = revisionOf('qemu-11.1');
const qemu60 = revisionOf('qemu-6.0');
const qemu212 = revisionOf('qemu-2.12');

const withListener = (base: Revision, rules: Partial<ListenerRules>): Revision => ({
  ...base,
  listener: { ...base.listener, ...rules },
});
const withDevice = (base: Revision, rules: Partial<DeviceRules>): Revision => ({
  ...base,
  device: { ...base.device, ...rules },
});
/** The newest QEMU without its fault in the maps of dma-bufs (vfio fact 5.17), which has the causes of other faults. */
const soundDmaBufs = withDevice(qemu111, { dmaBufStart: (_area, at, before) => before + at });
const withMemory = (base: Revision, rules: Partial<MemoryRules>): Revision => ({
  ...base,
  memory: { ...base.memory, ...rules },
});
const withMemslots = (base: Revision, rules: Partial<MemslotRules>): Revision => ({
  ...base,
  memslots: { ...base.memslots, ...rules },
});

/** The start of the scenario's machine, on a host of the kernel with one fault: at the first address of RAM. */
const onKernelWith =
  (fault: Omit<FaultSpec, 'at'>) =>
  (scenario: Scenario): Scenario => {
    const { cpu: _, ...machine } = scenario.machine;
    const { type } = scenario.host.iommu;
    const [page, at] = [0x1000n, RAM_START[machine.type]];
    const iommu = { type: type === 'vfio-user' ? 'type1' : type, pageSizes: [page, 0x1_0000n] } as const;
    return {
      ...scenario,
      machine: { ...machine, hostPageSize: page, guestPageSize: page },
      host: { kernel: 'msix-mappable', iommu, faults: [{ ...fault, at }] },
      operations: [],
    };
  };

/** Replaces a method of a class, and returns a function that restores the method. */
export function replace<T extends object, K extends keyof T>(
  { prototype }: { readonly prototype: T },
  name: K,
  by: (original: T[K]) => T[K],
): () => void {
  const original = prototype[name];
  prototype[name] = by(original);
  return () => {
    prototype[name] = original;
  };
}

type Section = Parameters<DmaListener['regionAdd']>[0];

const down = (value: bigint, unit: bigint): bigint => value - (value % unit);
const up = (value: bigint, unit: bigint): bigint => down(value + unit - 1n, unit);

/** Applies a change to every flat view; views that were the same object stay the same object. */
function distortingViews(change: (view: readonly TraceRange[], state: State) => readonly TraceRange[]) {
  return (trace: Trace): Trace => {
    const done = new Map<readonly TraceRange[], readonly TraceRange[]>();
    const of = (view: readonly TraceRange[], state: State): readonly TraceRange[] => {
      const known = done.get(view) ?? change(view, state);
      done.set(view, known);
      return known;
    };
    return distortingStates((state) => ({
      ...state,
      flatView: of(state.flatView, state),
      dmaView: state.dmaView === state.flatView ? of(state.flatView, state) : state.dmaView,
    }))(trace);
  };
}

/** Applies a change to every state; states that were the same object stay the same object. */
function distortingStates(change: (state: State) => State) {
  return (trace: Trace): Trace => {
    const done = new Map<State, State>();
    const steps = trace.steps.map((step) => {
      const state = done.get(step.state) ?? change(step.state);
      done.set(step.state, state);
      const { operation, events } = step;
      // The change that the step carries leads to another state.
      return { operation, events, state };
    });
    return { ...trace, steps };
  };
}

const isOwned = ({ region }: TraceRange): boolean => region.owner !== undefined;
const firstOwned = (view: readonly TraceRange[]): number => view.findIndex(isOwned);

/** Scenarios with RAM in whole pages of 64 KiB and no region over it, so that the base can map every page. */
const wholeRam = (scenario: Scenario): Scenario => ({
  ...scenario,
  machine: { ...scenario.machine, type: 'generic', ram: 0x1000_0000n },
  host: { ...scenario.host, iommu: { type: 'type1', pageSizes: [scenario.machine.hostPageSize] } },
  operations: scenario.operations.filter((operation) => !('name' in operation)),
});

/** Scenarios with a kernel that forbids an mmap of the MSI-X page. */
const onSparseKernel = (scenario: Scenario): Scenario => ({
  ...scenario,
  host: { kernel: 'sparse-msix', iommu: { type: 'type1', pageSizes: [scenario.machine.hostPageSize] } },
});

/** The skip rule of `seed-v2+skip-as-posted`, on the rules of 11.1. */
const skipsByInvertedMask: ListenerRules['skip'] = (section, context) => {
  const { region, offset: at, size } = section;
  const mask = -context.pages.host;
  return (
    qemu111.listener.skip(section, context) ??
    (region.isRam && ((at | size) & mask) !== 0n ? 'unaligned' : undefined)
  );
};

/** Takes the trace for that of a real QEMU, and adds the trace of the model of 11.1. */
const heldToModel = (trace: Trace): Trace => ({ ...trace, model: runOnModel(trace.scenario, qemu111) });

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'SEED-01: pieces of a BAR that are not IOMMU pages are DMA-mapped',
    base: qemu111,
    revision: withListener(qemu111, { mapsDeviceMemory: () => true }),
    cases: 1_500,
    fires: { 'map-aligned': ['bar-fragment-unaligned', 'small-bar-unaligned'] },
  },
  {
    name: 'SEED-01, CH-05, QL-08: the refused DMA map of a piece of a BAR kills the VMM',
    base: qemu111,
    revision: withListener(qemu111, { mapsDeviceMemory: () => true, deviceMemoryFailure: 'fatal' }),
    cases: 1_500,
    fires: {
      'map-aligned': ['bar-fragment-unaligned'],
      'mmio-map-not-fatal': ['refused-map'],
      'no-abort': ['dma-map-device-memory-EINVAL'],
    },
  },
  {
    name: 'SEED-02: the mask of the skip rule is inverted',
    base: qemu111,
    revision: withListener(qemu111, { skip: skipsByInvertedMask }),
    cases: 1_500,
    fires: { 'ram-reachable': ['not-mapped'] },
    mayBreak: ['guest-page-reachable'],
  },
  {
    name: 'SEED-03, QL-17: MMIO in the DMA space of sPAPR takes DMA windows and cannot release them',
    base: qemu212,
    revision: { ...qemu212, machine: { ...qemu212.machine, mmioInPhbDmaSpace: true } },
    cases: 1_500,
    fires: {
      'window-limit': ['window-for-mmio'],
      'mmio-map-not-fatal': ['removal-of-refused-window'],
      'no-abort': ['dma-window'],
    },
    mayBreak: ['map-unmap-symmetric'],
  },
  {
    name: 'SEED-05: RAM is rounded to the target page',
    base: qemu111,
    revision: withListener(qemu111, { alignment: ({ target }) => target }),
    cases: 1_500,
    fires: { 'map-aligned': ['ram-off-host-page'] },
  },
  {
    name: 'SEED-05: device memory is aligned to the target page, not to the IOMMU page',
    base: qemu111,
    revision: withListener(qemu111, {
      mapsDeviceMemory: (start, size, { target }) => (start | size) % target === 0n,
    }),
    cases: 1_500,
    fires: { 'map-aligned': ['bar-fragment-unaligned'] },
  },
  {
    name: 'SEED-06: the container of the MSI-X regions is in no region tree',
    base: qemu111,
    revision: withDevice(qemu111, {
      msixParent: ({ base }) => base && MemoryRegion.container('never initialised', base.size),
    }),
    cases: 1_500,
    fires: { 'msix-trapped': ['not-emulated'] },
  },
  {
    name: 'a BAR below the page size is stretched to two pages',
    base: qemu111,
    revision: withDevice(qemu111, {
      subPageSize: (size, at, page) => (at !== undefined && at % page === 0n ? 2n * page : size),
    }),
    cases: 3_000,
    fires: { 'mmap-inside-bar': ['shown-beyond-bar'] },
  },
  {
    name: 'a reset leaves the blocks of virtio-mem plugged',
    base: qemu111,
    revision: withMemory(qemu111, { resetUnplugs: false }),
    cases: 5_000,
    fires: { 'map-matches-view': ['plugged-after-reset'] },
  },
  {
    name: 'QEMU looks for an area in the dma-buf of its BAR at the offset in the BAR',
    base: soundDmaBufs,
    revision: qemu111,
    cases: 3_000,
    fires: { 'msix-trapped': ['dma-mapped'], 'map-matches-view': ['stale'] },
    mayBreak: ['map-unmap-symmetric'],
  },
  {
    name: 'SEED-07: every machine opts out of MSI-X emulation',
    base: soundDmaBufs,
    revision: withDevice(soundDmaBufs, { msixExposure: () => ({ kind: 'table-disabled' }) }),
    cases: 1_500,
    fires: { 'msix-trapped': ['direct-in-flat-view', 'in-memslot', 'dma-mapped'] },
  },
  {
    name: 'CV-01: the MSI-X table has no emulation',
    base: soundDmaBufs,
    revision: withDevice(soundDmaBufs, { msixExposure: () => ({ kind: 'not-added' }) }),
    cases: 1_500,
    fires: { 'msix-trapped': ['direct-in-flat-view', 'in-memslot', 'dma-mapped'] },
    mayBreak: ['msix-capability-consistent'],
  },
  {
    name: 'SEED-07: the capability names a BAR that the device does not have',
    base: qemu111,
    revision: withDevice(qemu111, {
      msixExposure: ({ layout }) => ({
        kind: 'capability-rewritten',
        layout: { ...layout, tableBar: 7, pbaBar: 5 },
      }),
    }),
    cases: 500,
    fires: { 'msix-capability-consistent': ['reserved-bir', 'no-such-bar'] },
    mayBreak: ['bar-as-hardware'],
  },
  {
    name: 'KT-02: the capability places table and PBA in whole pages, one after the other',
    base: qemu111,
    revision: withDevice(qemu111, {
      msixExposure: ({ layout }) => ({
        kind: 'capability-rewritten',
        layout: {
          ...layout,
          tableOffset: offset(0n),
          pbaBar: layout.tableBar,
          pbaOffset: offset(up(msixTableSize(layout.vectors), 0x1_0000n)),
        },
      }),
    }),
    cases: 500,
    fires: { 'msix-capability-consistent': ['outside-bar'] },
    mayBreak: ['msix-trapped'],
  },
  {
    name: 'CH-13: QEMU ignores MSIX_MAPPABLE',
    base: qemu111,
    revision: withDevice(qemu111, { honoursMsixMappable: false }),
    cases: 1_500,
    fires: { 'msix-direct-on-opt-out': ['table-trapped'] },
  },
  {
    name: 'QL-07, CH-18: an unregistered listener unmaps nothing',
    base: qemu111,
    revision: withListener(qemu111, { whenUnregistered: 'nothing' }),
    cases: 500,
    fires: { 'map-unmap-symmetric': ['left-after-teardown'] },
  },
  {
    name: 'QP-03, CH-14: the gaps between the sparse areas of the kernel are mmapped',
    base: qemu111,
    revision: withDevice(qemu111, {
      // Each area begins at the end of the area before.
      sparseAreas: (areas) =>
        areas.map((area, index) => {
          const before = areas[index - 1];
          const start = before === undefined ? 0n : before.offset + before.size;
          return { offset: offset(start), size: area.offset + area.size - start };
        }),
    }),
    cases: 1_500,
    only: onSparseKernel,
    fires: { 'mmap-inside-bar': ['msix-page'] },
  },
  {
    name: 'QK-01: start and size of a slot are rounded independently',
    base: qemu111,
    revision: withMemslots(qemu111, {
      span: ({ start, end }, { host }) => {
        const size = down(end - start, host);
        return size > 0n ? { start: up(start, host), size } : undefined;
      },
    }),
    cases: 1_500,
    fires: { 'memslot-aligned-disjoint': ['not-backed'] },
    mayBreak: ['access-dispatched', 'msix-trapped'],
  },
  {
    name: 'QK-01: a slot is rounded outwards',
    base: qemu111,
    revision: withMemslots(qemu111, {
      span: ({ start, end }, { host }) => ({
        start: down(start, host),
        size: up(end, host) - down(start, host),
      }),
    }),
    cases: 1_500,
    fires: { 'memslot-aligned-disjoint': ['not-backed'] },
    mayBreak: ['access-dispatched', 'msix-trapped', 'no-abort'],
  },
  {
    name: 'QK-03: slots are rounded to the target page',
    base: qemu111,
    revision: withMemslots(qemu111, {
      span: ({ start, end }, { target }) => {
        const size = down(end, target) - up(start, target);
        return size > 0n ? { start: up(start, target), size } : undefined;
      },
    }),
    cases: 1_500,
    fires: { 'memslot-aligned-disjoint': ['unaligned'], 'no-abort': ['memslot-EINVAL-off-page'] },
  },
  {
    name: 'KT-01: a slot is requested for every section, aligned or not',
    base: qemu111,
    revision: withMemslots(qemu111, { span: ({ start, size }) => ({ start, size }) }),
    cases: 1_500,
    fires: { 'memslot-aligned-disjoint': ['unaligned'], 'no-abort': ['memslot-EINVAL-off-page'] },
  },
  {
    name: 'QEMU does not check the BIRs of the capability',
    base: qemu111,
    revision: withDevice(qemu111, { checkLocation: () => undefined }),
    cases: 1_500,
    fires: { 'no-abort': ['msix-init-segfault'] },
  },
  {
    name: 'a refused hot-plugged device kills the VMM',
    base: withDevice(qemu111, { hotplugRefusal: 'reported' }),
    revision: qemu111,
    cases: 1_500,
    fires: { 'no-abort': ['hotplug-refusal-segfault'] },
  },
  {
    name: 'the regions of a hot-plugged device that is refused for its MSI-X capability are released unmade',
    base: withDevice(qemu60, { hotplugMsixRefusal: 'reported' }),
    revision: qemu60,
    cases: 1_500,
    fires: { 'no-abort': ['bars-finalize-segfault'] },
  },
  {
    name: 'a reset of pseries takes every container for a kernel container',
    base: { ...qemu60, iommus: qemu111.iommus, hasVirtioMem: true },
    revision: {
      ...qemu60,
      iommus: qemu111.iommus,
      hasVirtioMem: true,
      machine: { ...qemu60.machine, phbResetNeedsKernelContainer: true },
    },
    cases: 6_000,
    fires: { 'no-abort': ['eeh-container-cast'] },
  },
  {
    name: 'CH-04, OV-04: the DMA listener ignores the removal of device memory',
    base: soundDmaBufs,
    sabotage: () =>
      replace(
        DmaListener,
        'regionDel',
        (original) =>
          function (this: DmaListener, section: Section) {
            if (!section.region.isRamDevice) original.call(this, section);
          },
      ),
    cases: 1_500,
    fires: {
      'map-matches-view': ['stale'],
      'map-unmap-symmetric': ['left-after-teardown'],
      'incremental-equals-scratch': ['extra-mapping'],
    },
    mayBreak: ['ram-reachable', 'no-abort', 'resources-bounded'],
  },
  {
    name: 'the DMA listener ignores the removal of RAM',
    base: qemu111,
    sabotage: () =>
      replace(
        DmaListener,
        'regionDel',
        (original) =>
          function (this: DmaListener, section: Section) {
            if (section.region.isRamDevice) original.call(this, section);
          },
      ),
    cases: 1_500,
    fires: { 'map-unmap-symmetric': ['left-after-teardown'] },
    mayBreak: [
      'resources-bounded',
      'ram-reachable',
      'map-matches-view',
      'incremental-equals-scratch',
      'no-abort',
      // A window that is not removed leaves too few for the next one.
      'window-limit',
    ],
  },
  {
    name: 'QM-06: the DMA listener ignores sections that are added after its registration',
    base: qemu111,
    sabotage: () =>
      replace(
        DmaListener,
        'regionAdd',
        (original) =>
          function (this: DmaListener, section: Section) {
            if (!this.initialized) original.call(this, section);
          },
      ),
    cases: 1_500,
    fires: { 'incremental-equals-scratch': ['lacking-mapping'], 'ram-reachable': ['not-mapped'] },
    // A window that was never created cannot be removed, and the guest has none.
    mayBreak: ['map-unmap-symmetric', 'guest-page-reachable', 'no-abort', 'window-limit'],
  },
  {
    name: 'the DMA listener unmaps only half of a section',
    base: qemu111,
    sabotage: () =>
      replace(
        DmaListener,
        'regionDel',
        (original) =>
          function (this: DmaListener, section: Section) {
            const half = down(section.size / 2n, 0x1_0000n);
            original.call(this, half === 0n ? section : section.endingAt(section.start + half));
          },
      ),
    cases: 1_500,
    fires: { 'map-unmap-symmetric': ['split-mapping'] },
    mayBreak: [
      'resources-bounded',
      'ram-reachable',
      'map-matches-view',
      'incremental-equals-scratch',
      'no-abort',
    ],
  },
  {
    name: 'the DMA listener unmaps every section twice',
    base: qemu111,
    sabotage: () =>
      replace(
        DmaListener,
        'regionDel',
        (original) =>
          function (this: DmaListener, section: Section) {
            original.call(this, section);
            original.call(this, section);
          },
      ),
    cases: 1_500,
    fires: { 'map-unmap-symmetric': ['unmap-of-nothing'] },
    mayBreak: ['no-abort'],
  },
  {
    name: 'the DMA listener maps every section twice',
    base: qemu111,
    sabotage: () =>
      replace(
        DmaListener,
        'regionAdd',
        (original) =>
          function (this: DmaListener, section: Section) {
            original.call(this, section);
            original.call(this, section);
          },
      ),
    cases: 1_500,
    fires: { 'map-unmap-symmetric': ['overlapping-map'] },
    mayBreak: ['window-limit', 'no-abort'],
  },
  {
    name: 'CH-12: the memslot listener ignores the removal of device memory',
    base: qemu111,
    sabotage: () =>
      replace(
        MemslotListener,
        'regionDel',
        (original) =>
          function (this: MemslotListener, section: Section) {
            if (!section.region.isRamDevice) original.call(this, section);
          },
      ),
    cases: 1_500,
    fires: { 'memslot-aligned-disjoint': ['not-backed'] },
    mayBreak: ['ram-reachable', 'no-abort', 'resources-bounded'],
  },
  {
    name: 'KVM keeps slots that QEMU deletes',
    base: qemu111,
    sabotage: () =>
      replace(
        KvmMemslots,
        'set',
        (original) =>
          function (this: KvmMemslots, slot: Parameters<KvmMemslots['set']>[0]) {
            return slot.size === 0n ? 0 : original.call(this, slot);
          },
      ),
    cases: 1_500,
    fires: { 'memslot-aligned-disjoint': ['not-backed'] },
    mayBreak: ['no-abort', 'resources-bounded'],
  },
  {
    name: 'PERM: the IOMMU maps everything writable',
    base: qemu111,
    sabotage: () =>
      replace(
        Type1Container,
        'map',
        (original) =>
          function (this: Type1Container, request: Parameters<Type1Container['map']>[0]) {
            return original.call(this, { ...request, readonly: false });
          },
      ),
    cases: 1_500,
    fires: { 'ram-reachable': ['wrong-permission'], 'map-matches-view': ['wrong-permission'] },
  },
  {
    name: 'VADDR: DMA mappings have the offset of the page before',
    base: soundDmaBufs,
    sabotage: () =>
      replace(
        Type1Container,
        'map',
        (original) =>
          function (this: Type1Container, request: Parameters<Type1Container['map']>[0]) {
            const backing = { ...request.backing, offset: offset(request.backing.offset - 0x1000n) };
            return original.call(this, { ...request, backing });
          },
      ),
    cases: 1_500,
    fires: { 'ram-reachable': ['wrong-backing'], 'map-matches-view': ['stale'] },
    mayBreak: ['msix-trapped'],
  },
  {
    name: 'DMA mappings are one page too long',
    base: qemu111,
    distort: distortingStates((state) => ({
      ...state,
      containers: state.containers.map((each) => ({
        ...each,
        mappings: each.mappings.map((mapping) => ({ ...mapping, size: mapping.size + 0x1000n })),
      })),
    })),
    cases: 1_500,
    fires: { 'map-matches-view': ['too-long'] },
    mayBreak: ['msix-trapped', 'ram-reachable', 'incremental-equals-scratch', 'no-needless-change'],
  },
  {
    name: 'the host creates no DMA window',
    base: qemu111,
    sabotage: () =>
      replace(SpaprTceContainer, 'createWindow', () => () => ({ errno: Errno.ENOSPC, window: undefined })),
    cases: 1_500,
    fires: { 'window-limit': ['too-many-windows'] },
    mayBreak: ['no-abort'],
  },
  {
    name: 'the host registers no memory after the first window exists',
    base: qemu111,
    sabotage: () =>
      replace(
        SpaprTceContainer,
        'registerMemory',
        (original) =>
          function (this: SpaprTceContainer, request: Parameters<SpaprTceContainer['registerMemory']>[0]) {
            return this.windows().length > 0 ? Errno.ENOMEM : original.call(this, request);
          },
      ),
    cases: 1_500,
    fires: { 'no-abort': ['memory-registration-ENOMEM'] },
  },
  {
    name: 'SEED-02: the mask of the skip rule is inverted, with RAM in whole pages',
    base: qemu111,
    revision: withListener(qemu111, { skip: skipsByInvertedMask }),
    only: wholeRam,
    cases: 500,
    fires: { 'guest-page-reachable': ['unmapped-guest-page'], 'ram-reachable': ['not-mapped'] },
  },
  {
    name: 'SV-01: flat ranges that begin alike count as equal',
    base: qemu111,
    revision: withMemory(qemu111, {
      sameRange: (a, b) => a.region === b.region && a.start === b.start && a.offset === b.offset,
    }),
    cases: 1_500,
    fires: { 'map-unmap-symmetric': ['split-mapping'] },
    mayBreak: [
      'ram-reachable',
      'map-matches-view',
      'incremental-equals-scratch',
      'no-abort',
      'memslot-aligned-disjoint',
      'memslot-complete',
      'resources-bounded',
    ],
  },
  {
    name: 'neighbouring flat ranges are never merged',
    base: qemu111,
    revision: withMemory(qemu111, { mergeable: () => false }),
    cases: 1_500,
    fires: { 'flat-minimal': ['mergeable'] },
  },
  {
    name: 'neighbouring flat ranges of different regions are merged',
    base: qemu111,
    revision: withMemory(qemu111, { mergeable: (left, right) => left.end === right.start }),
    cases: 1_500,
    fires: { 'flat-partition': ['wrong-owner'] },
    mayBreak: [
      'access-dispatched',
      'map-aligned',
      'msix-trapped',
      'msix-direct-on-opt-out',
      'msix-capability-consistent',
      'memslot-complete',
      // A forbidden page of the kernel then belongs to the mmap area beside it.
      'mmap-inside-bar',
      'no-abort',
    ],
  },
  {
    name: 'the flat view lacks the first range of a device',
    base: qemu111,
    distort: distortingViews((view) =>
      firstOwned(view) === -1 ? view : view.toSpliced(firstOwned(view), 1),
    ),
    cases: 1_500,
    fires: { 'flat-partition': ['wrong-owner'] },
    mayBreak: ['access-dispatched', 'map-matches-view', 'memslot-aligned-disjoint', 'resources-bounded'],
  },
  {
    name: 'the flat view splits the first range of a device',
    base: qemu111,
    distort: distortingViews((view) => {
      const at = firstOwned(view);
      const range = view[at];
      if (range === undefined || range.end - range.start < 2n) return view;
      const middle = range.start + (range.end - range.start) / 2n;
      const second = { ...range, start: middle, offset: offset(range.offset + middle - range.start) };
      return view.toSpliced(at, 1, { ...range, end: middle }, second);
    }),
    cases: 1_500,
    fires: { 'flat-minimal': ['mergeable'] },
    mayBreak: ['map-matches-view', 'memslot-aligned-disjoint'],
  },
  {
    name: 'SV-02: the flat view has the trapped BAR in place of its mmap',
    base: qemu111,
    distort: distortingViews((view) =>
      view.map((range) =>
        range.region.kind === 'ram-device'
          ? { ...range, region: { ...range.region, kind: 'io' as const } }
          : range,
      ),
    ),
    cases: 1_500,
    fires: { 'flat-partition': ['wrong-owner'] },
    mayBreak: [
      'access-dispatched',
      'msix-direct-on-opt-out',
      'map-matches-view',
      'memslot-aligned-disjoint',
      'memslot-complete',
    ],
  },
  {
    name: 'QM-02: the flat view has a hidden range',
    base: qemu111,
    distort: distortingViews((view) => {
      const at = firstOwned(view);
      const range = view[at];
      return range === undefined ? view : view.toSpliced(at + 1, 0, { ...range, start: range.end - 1n });
    }),
    cases: 500,
    fires: { 'flat-partition': ['not-disjoint'] },
    mayBreak: ['ram-reachable', 'msix-trapped'],
  },
  {
    name: 'QM-02: the flat view has an empty range',
    base: qemu111,
    distort: distortingViews((view) => {
      const at = firstOwned(view);
      const range = view[at];
      return range === undefined ? view : view.toSpliced(at, 0, { ...range, end: range.start });
    }),
    cases: 500,
    fires: { 'flat-partition': ['empty-range'] },
    mayBreak: ['ram-reachable', 'flat-minimal'],
  },
  {
    name: 'ARITH: the last flat range extends beyond the address space',
    base: qemu111,
    distort: distortingViews((view) => {
      const last = view.at(-1);
      return last === undefined ? view : view.with(view.length - 1, { ...last, end: 1n << 65n });
    }),
    cases: 500,
    fires: { 'flat-partition': ['outside-space'] },
    mayBreak: [
      'mmap-inside-bar',
      'ram-reachable',
      'map-matches-view',
      'guest-page-reachable',
      'msix-capability-consistent',
      'memslot-complete',
    ],
  },
  {
    name: 'CH-01: the MSI-X table is relocated onto device registers',
    base: qemu111,
    distort: distortingStates((state) => ({
      ...state,
      devices: state.devices.map((device) => ({
        ...device,
        msix: device.msix && {
          ...device.msix,
          layout: { ...device.msix.layout, tableOffset: offset(8n) },
          emulatedAt: device.msix.emulatedAt && { ...device.msix.emulatedAt, offset: offset(8n) },
        },
      })),
    })),
    cases: 500,
    fires: { 'msix-capability-consistent': ['over-live-registers'] },
    mayBreak: ['access-dispatched', 'msix-trapped'],
  },
  {
    name: 'CH-03: the MSI-X table is emulated beside its place in the capability',
    base: qemu111,
    distort: distortingStates((state) => ({
      ...state,
      devices: state.devices.map((device) => ({
        ...device,
        msix: device.msix && {
          ...device.msix,
          emulatedAt: device.msix.emulatedAt && {
            ...device.msix.emulatedAt,
            offset: offset(device.msix.emulatedAt.offset + 0x10n),
          },
        },
      })),
    })),
    cases: 500,
    fires: { 'msix-capability-consistent': ['emulated-elsewhere'] },
    mayBreak: ['access-dispatched'],
  },
  {
    name: 'QK-02: memslots have host addresses that are off by some pages',
    base: qemu111,
    sabotage: () =>
      replace(
        KvmMemslots,
        'set',
        (original) =>
          function (this: KvmMemslots, slot: Parameters<KvmMemslots['set']>[0]) {
            return original.call(this, { ...slot, hostAddress: hostAddress(slot.hostAddress + 0x1_0000n) });
          },
      ),
    cases: 1_500,
    fires: { 'ram-reachable': ['wrong-backing'] },
  },
  {
    name: 'PERM: KVM maps everything writable',
    base: qemu111,
    sabotage: () =>
      replace(
        KvmMemslots,
        'set',
        (original) =>
          function (this: KvmMemslots, slot: Parameters<KvmMemslots['set']>[0]) {
            return original.call(this, { ...slot, readonly: false });
          },
      ),
    cases: 1_500,
    fires: { 'memslot-aligned-disjoint': ['wrong-permission'] },
    // The guest then writes to an expansion ROM from a file.
    mayBreak: ['access-dispatched'],
  },
  {
    name: 'VADDR: DMA mappings have host addresses that are off by 2 MiB',
    base: qemu111,
    sabotage: () =>
      replace(
        Type1Container,
        'map',
        (original) =>
          function (this: Type1Container, request: Parameters<Type1Container['map']>[0]) {
            return original.call(this, {
              ...request,
              hostAddress: hostAddress(request.hostAddress + 0x20_0000n),
            });
          },
      ),
    cases: 1_500,
    fires: { 'ram-reachable': ['wrong-backing'] },
  },
  {
    name: 'the flat view lacks the first range of the machine',
    base: qemu111,
    distort: distortingViews((view) => view.slice(1)),
    cases: 1_500,
    fires: { 'flat-partition': ['wrong-owner'], 'memslot-aligned-disjoint': ['not-backed'] },
    // What is not in the view needs no registration on POWER.
    mayBreak: ['map-matches-view', 'resources-bounded'],
  },
  {
    name: 'a real QEMU does not DMA-map device memory, but the model does',
    base: qemu111,
    revision: withListener(qemu111, { mapsDeviceMemory: () => false }),
    distort: heldToModel,
    cases: 500,
    fires: { 'model-agrees': ['requests', 'mappings'] },
    mayBreak: ['ram-reachable'],
  },
  {
    name: 'a real QEMU expands a BAR smaller than a page to two pages',
    base: qemu111,
    revision: withDevice(qemu111, { subPageSize: (_barSize, _address, pageSize) => 2n * pageSize }),
    distort: heldToModel,
    cases: 1_500,
    fires: { 'model-agrees': ['view'] },
    mayBreak: ['msix-trapped', 'mmap-inside-bar'],
  },
  {
    name: 'a real QEMU has MSI-X enabled from the start, but the model does not',
    base: qemu111,
    distort: (trace) =>
      heldToModel(
        distortingStates((state) => ({
          ...state,
          devices: state.devices.map((device) => ({
            ...device,
            msix: device.msix && { ...device.msix, enabled: true },
          })),
        }))(trace),
      ),
    cases: 500,
    fires: { 'model-agrees': ['devices'] },
    mayBreak: ['msix-capability-consistent'],
  },
  {
    name: 'a real QEMU survives the refusal of a hot-plugged device, but the model does not',
    base: qemu111,
    revision: withDevice(qemu111, { hotplugRefusal: 'reported' }),
    distort: heldToModel,
    cases: 1_500,
    fires: { 'model-agrees': ['outcome'] },
  },
  {
    name: 'a real QEMU refuses devices with another message',
    base: qemu111,
    revision: withDevice(qemu111, {
      checkLocation: (layout) => {
        try {
          qemu111.device.checkLocation(layout);
        } catch {
          throw new DeviceRefused('a BIR that there is not');
        }
      },
    }),
    distort: heldToModel,
    cases: 1_500,
    fires: { 'model-agrees': ['error'] },
  },
  {
    name: 'RAM of an AMD machine lies over HyperTransport, as before QEMU 7.1',
    base: qemu111,
    revision: { ...qemu111, machine: { ...qemu111.machine, avoidsHyperTransport: false } },
    cases: 4_000,
    fires: { 'no-abort': ['ram-over-hyper-transport'] },
  },
  {
    name: 'a slot of RAM that KVM refuses without a reason is ignored',
    base: qemu111,
    revision: withMemslots(qemu111, { refusal: 'ignored' }),
    only: onKernelWith({ request: 'memslot', answer: 'ENOMEM' }),
    cases: 200,
    fires: { 'memslot-complete': ['ram-without-slot'] },
    mayBreak: ['no-abort', 'msix-trapped', 'memslot-aligned-disjoint'],
  },
  {
    name: 'a map of RAM that the host refuses without a reason is ignored while the container is set up',
    base: qemu111,
    revision: { ...qemu111, container: { ...qemu111.container, registrationFailure: 'ignored' } },
    only: onKernelWith({ request: 'dma-map', answer: 'EIO' }),
    cases: 200,
    fires: { 'ram-reachable': ['not-mapped'] },
    mayBreak: ['map-unmap-symmetric'],
  },
  {
    name: 'a real QEMU completes one step more than the model before it refuses or dies',
    base: qemu111,
    distort: (trace) => {
      if (trace.outcome === 'ok') return heldToModel(trace);
      const { steps } = trace;
      return { ...trace, model: { ...trace, steps: [...steps.slice(0, -2), ...steps.slice(-1)] } };
    },
    cases: 500,
    fires: { 'model-agrees': ['steps'] },
  },
];
