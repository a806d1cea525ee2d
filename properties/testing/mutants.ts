import { hostAddress, offset } from '../../src/address/index.ts';
import { Errno, KvmMemslots, SpaprTceContainer, Type1Container } from '../../src/host/index.ts';
import type { InvariantId } from '../../src/invariants/index.ts';
import { MemoryRegion } from '../../src/memory/index.ts';
import { msixTableSize } from '../../src/pci-layout/index.ts';
import type { Scenario } from '../../src/scenario/index.ts';
import { runOnModel } from '../../src/model/index.ts';
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
import { faults } from './faults.ts';

/**
 * A faulty engine, and what has to come of it. The fault is a rule of a revision, a method of a listener or of the
 * host that is replaced while it runs, a switch in `faults`, or a distortion of what the engine shows.
 */
export interface Mutant {
  /** What is wrong, with its entry in the known bugs where it has one. */
  readonly name: string;
  /** What the fault is put into, and what its findings are compared with. */
  readonly base: Revision;
  /** Other rules for `base`. */
  readonly revision?: Revision;
  /** Breaks something, and gives back how to mend it. */
  readonly sabotage?: () => () => void;
  /** Distorts what the engine shows. */
  readonly distort?: (trace: Trace) => Trace;
  /** Scenarios that both are run with, where the base must have no such finding of its own. */
  readonly only?: (scenario: Scenario) => Scenario;
  /** How many cases are looked at. */
  readonly cases: number;
  /** The causes that must be found, by invariant, and that the base does not have. */
  readonly fires: Readonly<Partial<Record<InvariantId, readonly string[]>>>;
  /** Other invariants that may break in consequence; everything else has to be silent. */
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
const withMemslots = (base: Revision, rules: Partial<MemslotRules>): Revision => ({
  ...base,
  memslots: { ...base.memslots, ...rules },
});

/** Puts a method in place of one of all objects of a class, and gives back how to undo that. */
function replace<T extends object, K extends keyof T>(
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

/** The same change to every view, so that views which were one object stay one. */
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

/** The same change to every state, so that states which were one object stay one. */
function distortingStates(change: (state: State) => State) {
  return (trace: Trace): Trace => {
    const done = new Map<State, State>();
    const steps = trace.steps.map((step) => {
      const state = done.get(step.state) ?? change(step.state);
      done.set(step.state, state);
      return { ...step, state };
    });
    return { ...trace, steps };
  };
}

const isOwned = ({ region }: TraceRange): boolean => region.owner !== undefined;
const firstOwned = (view: readonly TraceRange[]): number => view.findIndex(isOwned);

/** Nothing over RAM and all of it in whole pages of 64 KiB: a base without pages that no device can reach. */
const wholeRam = (scenario: Scenario): Scenario => ({
  ...scenario,
  machine: { ...scenario.machine, type: 'generic', ram: 0x1000_0000n },
  host: { ...scenario.host, iommu: { type: 'type1', pageSizes: [scenario.machine.hostPageSize] } },
  operations: scenario.operations.filter(({ op }) => op !== 'add-region' && op !== 'remove-region'),
});

/** A kernel that cuts the MSI-X page out of what may be mmapped. */
const onSparseKernel = (scenario: Scenario): Scenario => ({
  ...scenario,
  host: { kernel: 'sparse-msix', iommu: { type: 'type1', pageSizes: [scenario.machine.hostPageSize] } },
});

const switching = (name: keyof typeof faults) => (): (() => void) => {
  faults[name] = true;
  return () => {
    faults[name] = false;
  };
};

/** The rule of `as posted`, for any base. */
const skipsWhatHasAPage: ListenerRules['skip'] = (section, context) => {
  const { region, offset: at, size } = section;
  const mask = -context.pages.host;
  return (
    qemu111.listener.skip(section, context) ??
    (region.isRam && ((at | size) & mask) !== 0n ? 'unaligned' : undefined)
  );
};

/** Takes what ran for a real VMM, and holds it to the model of 11.1. */
const heldToModel = (trace: Trace): Trace => ({ ...trace, model: runOnModel(trace.scenario, qemu111) });

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'SEED-01: pieces of a BAR are asked for that are no IOMMU pages',
    base: qemu111,
    revision: withListener(qemu111, { mapsDeviceMemory: () => true }),
    cases: 1_500,
    fires: { 'map-aligned': ['bar-fragment-unaligned', 'small-bar-unaligned'] },
  },
  {
    name: 'SEED-01, CH-05, QL-08: and the VMM dies of the refusal',
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
    revision: withListener(qemu111, { skip: skipsWhatHasAPage }),
    cases: 1_500,
    fires: { 'ram-reachable': ['not-mapped'] },
    mayBreak: ['guest-page-reachable'],
  },
  {
    name: 'SEED-03, QL-17: MMIO in the DMA space of sPAPR takes the windows, and cannot give them back',
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
    name: 'SEED-05: device memory is held to the target page, not to that of the IOMMU',
    base: qemu111,
    revision: withListener(qemu111, {
      mapsDeviceMemory: (start, size, { target }) => (start | size) % target === 0n,
    }),
    cases: 1_500,
    fires: { 'map-aligned': ['bar-fragment-unaligned'] },
  },
  {
    name: 'SEED-06: the MSI-X regions hang from one that is in no tree',
    base: qemu111,
    revision: withDevice(qemu111, {
      msixParent: ({ base }) => base && MemoryRegion.container('never initialised', base.size),
    }),
    cases: 1_500,
    fires: { 'msix-trapped': ['not-emulated'] },
  },
  {
    name: 'SEED-07: every machine does without the emulation',
    base: qemu111,
    revision: withDevice(qemu111, { msixExposure: () => ({ kind: 'table-disabled' }) }),
    cases: 1_500,
    fires: { 'msix-trapped': ['direct-in-flat-view', 'in-memslot', 'dma-mapped'] },
  },
  {
    name: 'CV-01: nobody emulates the table',
    base: qemu111,
    revision: withDevice(qemu111, { msixExposure: () => ({ kind: 'not-added' }) }),
    cases: 1_500,
    fires: { 'msix-trapped': ['direct-in-flat-view', 'in-memslot', 'dma-mapped'] },
    mayBreak: ['msix-capability-consistent'],
  },
  {
    name: 'SEED-07: the capability names a BAR that nobody has',
    base: qemu111,
    revision: withDevice(qemu111, {
      msixExposure: ({ layout }) => ({
        kind: 'capability-rewritten',
        layout: { ...layout, tableBar: 7, pbaBar: 5 },
      }),
    }),
    cases: 500,
    fires: { 'msix-capability-consistent': ['reserved-bir', 'no-such-bar'] },
  },
  {
    name: 'KT-02: table and PBA are laid out in whole pages, one after the other',
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
    name: 'CH-13: MSIX_MAPPABLE is not honoured',
    base: qemu111,
    revision: withDevice(qemu111, { honoursMsixMappable: false }),
    cases: 1_500,
    fires: { 'msix-direct-on-opt-out': ['table-trapped'] },
  },
  {
    name: 'QL-07, CH-18: a listener that is unregistered takes nothing back',
    base: qemu111,
    revision: withListener(qemu111, { whenUnregistered: 'nothing' }),
    cases: 500,
    fires: { 'map-unmap-symmetric': ['left-after-teardown'] },
  },
  {
    name: 'QP-03, CH-14: what lies between the areas of the kernel is mmapped, too',
    base: qemu111,
    revision: withDevice(qemu111, {
      // Each begins where the one before it ends.
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
    name: 'QK-01: start and length of a slot are rounded each for itself',
    base: qemu111,
    revision: withMemslots(qemu111, {
      span: ({ start, end }, { host }) => {
        const size = down(end - start, host);
        return size > 0n ? { start: up(start, host), size } : undefined;
      },
    }),
    cases: 1_500,
    fires: { 'memslot-aligned-disjoint': ['not-backed'] },
    mayBreak: ['msix-trapped'],
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
    mayBreak: ['msix-trapped', 'no-abort'],
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
    name: 'KT-01: a slot is made for whatever there is',
    base: qemu111,
    revision: withMemslots(qemu111, { span: ({ start, size }) => ({ start, size }) }),
    cases: 1_500,
    fires: { 'memslot-aligned-disjoint': ['unaligned'], 'no-abort': ['memslot-EINVAL-off-page'] },
  },
  {
    name: 'BIRs are not looked at',
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
    name: 'a reset of pseries takes every container for one of the kernel’s',
    base: { ...qemu60, iommus: qemu111.iommus },
    revision: {
      ...qemu60,
      iommus: qemu111.iommus,
      machine: { ...qemu60.machine, phbResetNeedsKernelContainer: true },
    },
    cases: 1_500,
    fires: { 'no-abort': ['eeh-container-cast'] },
  },
  {
    name: 'CH-04, OV-04: the DMA listener misses that device memory goes away',
    base: qemu111,
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
    mayBreak: ['ram-reachable', 'no-abort'],
  },
  {
    name: 'the DMA listener misses that RAM goes away',
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
      'ram-reachable',
      'map-matches-view',
      'incremental-equals-scratch',
      'no-abort',
      // A window that is not removed is in the way of the next.
      'window-limit',
    ],
  },
  {
    name: 'QM-06: the DMA listener misses what comes after the start',
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
    // A window that was never made cannot be removed.
    mayBreak: ['map-unmap-symmetric', 'guest-page-reachable', 'no-abort'],
  },
  {
    name: 'the DMA listener unmaps in halves',
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
    mayBreak: ['ram-reachable', 'map-matches-view', 'incremental-equals-scratch', 'no-abort'],
  },
  {
    name: 'the DMA listener unmaps twice',
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
    name: 'the DMA listener maps twice',
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
    mayBreak: ['window-limit'],
  },
  {
    name: 'CH-12: memslots of BARs are never removed',
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
    mayBreak: ['ram-reachable', 'no-abort'],
  },
  {
    name: 'KVM keeps what it is told to delete',
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
    name: 'VADDR: mappings show the page before',
    base: qemu111,
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
    name: 'mappings one page too long',
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
    mayBreak: ['msix-trapped', 'ram-reachable', 'incremental-equals-scratch'],
  },
  {
    name: 'the host gives no window',
    base: qemu111,
    sabotage: () =>
      replace(SpaprTceContainer, 'createWindow', () => () => ({ errno: Errno.ENOSPC, window: undefined })),
    cases: 1_500,
    fires: { 'window-limit': ['too-many-windows'] },
    mayBreak: ['no-abort'],
  },
  {
    name: 'the host registers no memory that comes later',
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
    name: 'SEED-02 where no page is at an edge',
    base: qemu111,
    revision: withListener(qemu111, { skip: skipsWhatHasAPage }),
    only: wholeRam,
    cases: 500,
    fires: { 'guest-page-reachable': ['unmapped-guest-page'], 'ram-reachable': ['not-mapped'] },
  },
  {
    name: 'SV-01: ranges are the same when they begin alike',
    base: qemu111,
    sabotage: switching('equalityIgnoresLength'),
    cases: 1_500,
    fires: { 'map-unmap-symmetric': ['split-mapping'] },
    mayBreak: [
      'ram-reachable',
      'map-matches-view',
      'incremental-equals-scratch',
      'no-abort',
      'memslot-aligned-disjoint',
    ],
  },
  {
    name: 'neighbours are never merged',
    base: qemu111,
    sabotage: switching('neverMerges'),
    cases: 1_500,
    fires: { 'flat-minimal': ['mergeable'] },
  },
  {
    name: 'neighbours are merged that are not of one region',
    base: qemu111,
    sabotage: switching('mergesStrangers'),
    cases: 1_500,
    fires: { 'flat-partition': ['wrong-owner'] },
    mayBreak: ['map-aligned', 'msix-trapped', 'msix-direct-on-opt-out', 'msix-capability-consistent'],
  },
  {
    name: 'the view lacks the first range of a device',
    base: qemu111,
    distort: distortingViews((view) =>
      firstOwned(view) === -1 ? view : view.toSpliced(firstOwned(view), 1),
    ),
    cases: 1_500,
    fires: { 'flat-partition': ['wrong-owner'] },
    mayBreak: ['map-matches-view', 'memslot-aligned-disjoint'],
  },
  {
    name: 'the view has the first range of a device in two',
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
    name: 'SV-02: the BAR answers where its mmap should',
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
    mayBreak: ['msix-direct-on-opt-out', 'map-matches-view', 'memslot-aligned-disjoint'],
  },
  {
    name: 'QM-02: a hidden range is shown',
    base: qemu111,
    distort: distortingViews((view) => {
      const at = firstOwned(view);
      const range = view[at];
      return range === undefined ? view : view.toSpliced(at + 1, 0, { ...range, start: range.end - 1n });
    }),
    cases: 500,
    fires: { 'flat-partition': ['not-disjoint'] },
    mayBreak: ['msix-trapped'],
  },
  {
    name: 'QM-02: a range without addresses is left over',
    base: qemu111,
    distort: distortingViews((view) => {
      const at = firstOwned(view);
      const range = view[at];
      return range === undefined ? view : view.toSpliced(at, 0, { ...range, end: range.start });
    }),
    cases: 500,
    fires: { 'flat-partition': ['empty-range'] },
    mayBreak: ['flat-minimal'],
  },
  {
    name: 'ARITH: the last range leaves the space',
    base: qemu111,
    distort: distortingViews((view) => {
      const last = view.at(-1);
      return last === undefined ? view : view.with(view.length - 1, { ...last, end: 1n << 65n });
    }),
    cases: 500,
    fires: { 'flat-partition': ['outside-space'] },
    mayBreak: ['ram-reachable', 'guest-page-reachable', 'msix-capability-consistent'],
  },
  {
    name: 'CH-01: the table is moved onto live registers',
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
    mayBreak: ['msix-trapped'],
  },
  {
    name: 'CH-03: the table is emulated beside where the capability has it',
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
  },
  {
    name: 'QK-02: KVM is given host addresses that are off by some pages',
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
  },
  {
    name: 'VADDR: the IOMMU is given host addresses that are off',
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
    name: 'the view lacks the first range of the machine',
    base: qemu111,
    distort: distortingViews((view) => view.slice(1)),
    cases: 1_500,
    fires: { 'flat-partition': ['wrong-owner'], 'memslot-aligned-disjoint': ['not-backed'] },
    mayBreak: ['map-matches-view'],
  },
  {
    name: 'a real QEMU leaves device memory alone, which the model maps',
    base: qemu111,
    revision: withListener(qemu111, { mapsDeviceMemory: () => false }),
    distort: heldToModel,
    cases: 500,
    fires: { 'model-agrees': ['requests', 'mappings'] },
  },
  {
    name: 'a real QEMU makes a BAR smaller than a page as large as two',
    base: qemu111,
    revision: withDevice(qemu111, { subPageSize: (_barSize, _address, pageSize) => 2n * pageSize }),
    distort: heldToModel,
    cases: 1_500,
    fires: { 'model-agrees': ['view'] },
  },
  {
    name: 'a real QEMU has MSI-X enabled from the start, and nobody but the model knows better',
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
  },
  {
    name: 'a real QEMU outlives the refusal of a hot-plugged device, which the model dies of',
    base: qemu111,
    revision: withDevice(qemu111, { hotplugRefusal: 'reported' }),
    distort: heldToModel,
    cases: 1_500,
    fires: { 'model-agrees': ['outcome'] },
  },
  {
    name: 'a real QEMU refuses devices in other words',
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
    name: 'a real QEMU comes one step further than the model before it gives up',
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
