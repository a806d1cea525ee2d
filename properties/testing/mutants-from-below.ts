import { alignUp, offset } from '../../src/address/index.ts';
import { CLOUD_HYPERVISOR_REVISIONS } from '../../src/cloud-hypervisor/index.ts';
import { PciCommand, PciRegister } from '../../src/pci-layout/index.ts';
import { PciFunction } from '../../src/pci/index.ts';
import type { Operation, Scenario } from '../../src/scenario/index.ts';
import type { DeviceState, State, Step, Trace } from '../../src/trace/index.ts';
import { DmaListener, findRevision, type Revision, type VmmEvent } from '../../src/vfio/index.ts';
import { replace, type Mutant } from './mutants.ts';

const qemu111: Revision = findRevision('qemu-11.1')!;
const { access, container, device, host, memslots } = qemu111;
const cloudHypervisor53 = CLOUD_HYPERVISOR_REVISIONS.at(-1)!;

/** Replaces the devices of every state; states that were the same object stay the same object. */
const distortingDevices =
  (change: (device: DeviceState, scenario: Scenario) => DeviceState) =>
  (trace: Trace): Trace => {
    const done = new Map<State, State>();
    const steps = trace.steps.map(({ operation, events, state }): Step => {
      const known = done.get(state) ?? {
        ...state,
        devices: state.devices.map((each) => change(each, trace.scenario)),
      };
      done.set(state, known);
      return { operation, events, state: known };
    });
    return { ...trace, steps };
  };

/** Adds events to every step but the first, made from the states before and after the step. */
const distortingEvents =
  (added: (before: State, after: State, step: number) => readonly VmmEvent[]) =>
  (trace: Trace): Trace => ({
    ...trace,
    steps: trace.steps.map((step, index): Step => {
      const before = trace.steps[index - 1]?.state;
      if (before === undefined) return step;
      return { ...step, events: [...step.events, ...added(before, step.state, index)] };
    }),
  });

/**
 * Scenarios whose IOMMU maps all addresses: an IOMMU that ends among the blocks refuses plugged blocks, which is a known
 * finding.
 */
const withoutApertures = (scenario: Scenario): Scenario => {
  const { apertures: _, ...iommu } = scenario.host.iommu;
  return { ...scenario, host: { ...scenario.host, iommu } };
};

/** Scenarios whose devices have a PBA behind their BAR and relocate MSI-X to the BAR of the table. */
const withPbaToRelocate = (scenario: Scenario): Scenario => ({
  ...scenario,
  devices: scenario.devices.map((spec) => {
    const { msix, bars } = spec;
    const bar = bars.find(({ index }) => index === msix?.tableBar);
    if (msix === undefined || bar === undefined || bar.size > 0x10_0000n) return spec;
    const target = `bar${bar.index}` as 'bar0';
    return {
      ...spec,
      msix: { ...msix, pbaBar: bar.index, pbaOffset: offset(bar.size) },
      options: { 'x-msix-relocation': target },
    };
  }),
});

/**
 * Scenarios with one device and one memory BAR of whole pages, which the guest moves: there cloud-hypervisor itself keeps
 * register and bus together.
 */
const withOneBarToMove = (scenario: Scenario): Scenario => {
  const [device] = scenario.devices;
  const bar = device?.bars.find(({ type, size }) => type !== 'io' && size >= scenario.machine.hostPageSize);
  if (device === undefined || bar === undefined) return { ...scenario, devices: [], operations: [] };
  const { msix: _, ...rest } = device;
  const { sparse: _sparse, ...plain } = bar;
  const isKept = (operation: Operation): boolean =>
    operation.op === 'set-bar'
      ? operation.device === device.id && operation.bar === bar.index
      : (operation.op === 'enable-memory' || operation.op === 'disable-memory') &&
        operation.device === device.id;
  const aligned = (operation: Operation): Operation =>
    operation.op === 'set-bar'
      ? { ...operation, address: operation.address - (operation.address % bar.size) }
      : operation;
  return {
    ...scenario,
    devices: [{ ...rest, bars: [plain] }],
    operations: scenario.operations.filter(isKept).map(aligned),
  };
};

/** Wrong engines that give too little rather than too much, for invariants "from below". */
export const MUTANTS_FROM_BELOW: readonly Mutant[] = [
  {
    name: 'ch-27: all of a virtio-mem is mapped, whatever is plugged',
    base: qemu111,
    revision: { ...qemu111, listener: { ...qemu111.listener, followsDiscards: () => false } },
    cases: 1_000,
    fires: { 'map-matches-view': ['not-plugged'] },
    mayBreak: ['map-aligned', 'no-abort', 'resources-bounded'],
  },
  {
    name: 'plugged blocks are never mapped',
    base: qemu111,
    revision: { ...qemu111, memory: { ...qemu111.memory, replayed: () => [] } },
    only: withoutApertures,
    cases: 6_000,
    fires: { 'ram-reachable': ['plugged-not-mapped'] },
    mayBreak: ['incremental-equals-scratch', 'resources-bounded'],
  },
  {
    name: 'ql-13: unplugged blocks stay mapped',
    base: qemu111,
    revision: {
      ...qemu111,
      memory: { ...qemu111.memory, notifiesDiscard: (why) => why !== 'unplug' },
    },
    cases: 2_000,
    fires: { 'map-matches-view': ['not-plugged'] },
    mayBreak: ['incremental-equals-scratch', 'map-unmap-symmetric', 'resources-bounded'],
  },
  {
    name: 'no slot logs dirty pages while a migration runs',
    base: qemu111,
    revision: { ...qemu111, memslots: { ...memslots, logsDirtyPages: () => false } },
    cases: 500,
    fires: { 'memslot-aligned-disjoint': ['not-logged'] },
  },
  {
    name: 'every slot of RAM logs dirty pages all the time (cloud-hypervisor issue 2858)',
    base: qemu111,
    revision: {
      ...qemu111,
      memslots: { ...memslots, logsDirtyPages: ({ region }) => region.kind === 'ram' },
    },
    cases: 500,
    fires: { 'memslot-aligned-disjoint': ['logged-in-vain'] },
  },
  {
    name: 'a migration logs device memory, too, whose log KVM on arm64 refuses',
    base: qemu111,
    revision: { ...qemu111, memslots: { ...memslots, logsDirtyPages: (_, logging) => logging } },
    cases: 2_000,
    fires: { 'memslot-aligned-disjoint': ['device-memory-logged'] },
    mayBreak: ['no-abort'],
  },
  {
    name: 'a slot that logs is deleted without its log',
    base: qemu111,
    revision: { ...qemu111, memslots: { ...memslots, fetchesDirtyLog: false } },
    cases: 2_000,
    fires: { 'memslot-aligned-disjoint': ['log-lost'] },
  },
  {
    name: 'a read-only BAR is mmapped to be written',
    base: qemu111,
    revision: { ...qemu111, device: { ...device, mmapsWritable: () => true } },
    cases: 1_000,
    fires: { 'mmap-inside-bar': ['not-writable'] },
    mayBreak: ['msix-direct-on-opt-out', 'memslot-complete', 'resources-bounded'],
  },
  {
    name: 'qp-14: the guest may write a BAR that the host offers read-only',
    base: { ...qemu111, device: { ...device, honoursWriteFlag: true } },
    revision: qemu111,
    cases: 1_000,
    fires: { 'memslot-aligned-disjoint': ['read-only-bar-writable'] },
    mayBreak: ['map-unmap-symmetric'],
  },
  {
    name: 'every BAR is mmapped read-only, and the guest may write it',
    base: { ...qemu111, device: { ...device, honoursWriteFlag: true } },
    revision: { ...qemu111, device: { ...device, honoursWriteFlag: true, mmapsWritable: () => false } },
    cases: 500,
    fires: { 'memslot-aligned-disjoint': ['read-only-bar-writable'] },
  },
  {
    name: 'no memory has a memslot',
    base: qemu111,
    revision: { ...qemu111, memslots: { ...memslots, span: () => undefined } },
    cases: 500,
    fires: { 'memslot-complete': ['ram-without-slot', 'bar-without-slot'] },
  },
  {
    name: 'a BAR with an MSI-X table is trapped whole',
    base: qemu111,
    revision: { ...qemu111, device: { ...device, honoursMsixMappable: false, fixUpAreas: () => [] } },
    cases: 1_500,
    fires: { 'memslot-complete': ['bar-trapped'] },
    mayBreak: ['msix-direct-on-opt-out'],
  },
  {
    name: 'a register of one card is emulated over BAR 0 of every card',
    base: qemu111,
    revision: {
      ...qemu111,
      device: {
        ...device,
        quirks: (context) => [
          ...device.quirks(context),
          ...(context.bar === 0 && context.size >= 0x2000n
            ? [{ name: 'vfio-igd-bdsm-quirk', offset: offset(0x1000n), size: 4n }]
            : []),
        ],
      },
    },
    cases: 500,
    fires: { 'memslot-complete': ['emulated-without-reason'] },
    mayBreak: ['access-dispatched', 'map-unmap-symmetric', 'incremental-equals-scratch'],
  },
  {
    name: 'a range continues in a neighbour that only differs in its attributes',
    base: qemu111,
    revision: {
      ...qemu111,
      memory: {
        ...qemu111.memory,
        mergeable: (left, right) =>
          left.end === right.start &&
          left.region === right.region &&
          left.offset + (left.end - left.start) === right.offset,
      },
    },
    cases: 1_000,
    fires: { 'flat-partition': ['wrong-attributes'] },
    mayBreak: ['map-unmap-symmetric', 'incremental-equals-scratch', 'no-abort'],
  },
  {
    name: 'a BAR at address 0 is mapped nowhere',
    base: qemu111,
    revision: {
      ...qemu111,
      pci: {
        ...qemu111.pci,
        decodeBar: (type, register, size) => qemu111.pci.decodeBar(type, register, size, false),
      },
    },
    cases: 1_000,
    fires: { 'incremental-equals-scratch': ['bar-misplaced'] },
  },
  {
    name: 'device memory has no memslot',
    base: qemu111,
    revision: {
      ...qemu111,
      memslots: {
        ...memslots,
        span: (section, pages, change) =>
          section.region.isRamDevice ? undefined : memslots.span(section, pages, change),
      },
    },
    cases: 500,
    fires: { 'memslot-complete': ['bar-without-slot'] },
  },
  {
    name: 'a 64-bit BAR is shown as one of 32 bits',
    base: qemu111,
    revision: {
      ...qemu111,
      device: {
        ...device,
        barAttributes: (attributes, index) => {
          const { type, prefetchable } = device.barAttributes(attributes, index);
          return { type: type === 'mem64' ? 'mem32' : type, prefetchable };
        },
      },
    },
    cases: 500,
    fires: { 'bar-as-hardware': ['wrong-type'] },
    mayBreak: ['access-dispatched', 'no-abort', 'incremental-equals-scratch'],
  },
  {
    name: 'a BAR has half its size',
    base: qemu111,
    revision: {
      ...qemu111,
      host: {
        ...host,
        regionInfo: (info, index) => {
          const told = host.regionInfo(info, index);
          return told.size > 16n ? { ...told, size: told.size / 2n } : told;
        },
      },
    },
    cases: 500,
    fires: { 'bar-as-hardware': ['wrong-size'] },
    mayBreak: [
      'no-abort',
      'mmap-inside-bar',
      'msix-capability-consistent',
      'msix-trapped',
      'memslot-complete',
    ],
  },
  {
    name: 'the upper half of a 64-bit BAR is a BAR of its own, and an I/O BAR is left out',
    base: qemu111,
    distort: distortingDevices((each) => ({
      ...each,
      bars: each.bars
        .filter(({ type }) => type !== 'io')
        .flatMap((bar) =>
          bar.type === 'mem64' ? [bar, { ...bar, index: bar.index + 1, layers: [] }] : [bar],
        ),
    })),
    cases: 500,
    fires: { 'bar-as-hardware': ['pair-split', 'missing-bar'] },
  },
  {
    name: 'every change makes the first memslot anew',
    base: qemu111,
    distort: distortingEvents(({ memslots: [slot] }) =>
      slot === undefined
        ? []
        : [
            { type: 'memslot', slot: { ...slot, size: 0n }, errno: 0 },
            { type: 'memslot', slot, errno: 0 },
          ],
    ),
    cases: 500,
    fires: { 'no-needless-change': ['slot-replaced'] },
    mayBreak: ['memslot-aligned-disjoint'],
  },
  {
    name: 'every change maps the first DMA mapping anew',
    base: qemu111,
    distort: distortingEvents(({ containers: [container] }) => {
      const mapping = container?.mappings[0];
      if (container === undefined || mapping === undefined) return [];
      const { iova, size } = mapping;
      return [{ type: 'dma-unmap', container: container.name, iova, size, unmapped: size, errno: 0 }];
    }),
    cases: 500,
    fires: { 'no-needless-change': ['remapped'] },
    mayBreak: ['map-unmap-symmetric', 'incremental-equals-scratch', 'map-matches-view', 'ram-reachable'],
  },
  {
    name: 'a memslot of removed memory stays',
    base: qemu111,
    revision: { ...qemu111, memslots: { ...memslots, deletes: false } },
    cases: 1_500,
    fires: { 'resources-bounded': ['memslots-grow'] },
    mayBreak: ['memslot-aligned-disjoint', 'no-abort', 'memslot-complete', 'msix-trapped', 'ram-reachable'],
  },
  {
    name: 'the number of a memslot is never used again',
    base: qemu111,
    revision: {
      ...qemu111,
      memslots: {
        ...memslots,
        slotNumber: (() => {
          let next = 0;
          return () => next++ % 0x7fff;
        })(),
      },
    },
    cases: 500,
    fires: { 'resources-bounded': ['slot-numbers-grow'] },
    mayBreak: ['no-abort'],
  },
  {
    name: 'device memory stays mapped for DMA when its BAR goes',
    base: qemu111,
    sabotage: () => {
      const { regionDel } = DmaListener.prototype;
      DmaListener.prototype.regionDel = function (section) {
        if (!section.region.isRamDevice) regionDel.call(this, section);
      };
      return () => {
        DmaListener.prototype.regionDel = regionDel;
      };
    },
    cases: 1_500,
    fires: { 'resources-bounded': ['mappings-grow'] },
    mayBreak: [
      'map-matches-view',
      'map-unmap-symmetric',
      'incremental-equals-scratch',
      'msix-trapped',
      'no-abort',
      'mmio-map-not-fatal',
      'ram-reachable',
    ],
  },
  {
    name: 'each step leaves one more DMA window',
    base: qemu111,
    distort: distortingEvents((_, { containers: [container] }, step) =>
      container === undefined
        ? []
        : [
            {
              type: 'window-create',
              container: container.name,
              start: BigInt(step) << 40n,
              size: 0x1000n,
              deviceMemory: false,
              errno: 0,
            },
          ],
    ),
    cases: 500,
    fires: { 'resources-bounded': ['windows-grow'] },
    mayBreak: ['window-limit'],
  },
  {
    name: 'a DMA window on the host is half as long as that of the guest',
    base: qemu111,
    revision: { ...qemu111, container: { ...container, windowSize: (size) => size / 2n } },
    cases: 500,
    fires: { 'window-limit': ['window-too-short'] },
  },
  {
    name: 'the second DMA window of the guest has none on the host',
    base: qemu111,
    distort: (trace) => ({
      ...trace,
      steps: trace.steps.map((step) => ({
        ...step,
        events: step.events.filter((event) => event.type !== 'window-create' || event.start === 0n),
      })),
    }),
    cases: 1_000,
    fires: { 'window-limit': ['window-too-short'] },
  },
  {
    name: 'a DMA window has the pages of the host, and the guest maps smaller ones',
    base: qemu111,
    revision: { ...qemu111, container: { ...container, windowPageSize: ({ host: page }) => page } },
    cases: 1_000,
    fires: { 'window-limit': ['page-too-large'] },
    mayBreak: ['no-abort'],
  },
  {
    name: 'RAM that goes stays registered on POWER',
    base: qemu111,
    revision: { ...qemu111, container: { ...container, unregistersRam: false } },
    cases: 1_500,
    fires: { 'resources-bounded': ['registration-left'] },
    mayBreak: ['no-abort'],
  },
  {
    name: 'RAM off the pages of the host is registered on POWER',
    base: qemu111,
    revision: { ...qemu111, container: { ...container, unalignedRam: 'registered' } },
    cases: 1_500,
    fires: { 'map-aligned': ['registration-unaligned'] },
    mayBreak: ['no-abort'],
  },
  {
    name: 'cv-05, xn-02: the emulated table answers behind its last entry',
    base: qemu111,
    revision: { ...qemu111, device: { ...device, emulatedTableSize: (size) => alignUp(size, 0x1000n) } },
    cases: 1_500,
    fires: { 'access-dispatched': ['table-beyond-its-end'] },
    mayBreak: ['msix-capability-consistent', 'msix-direct-on-opt-out', 'no-abort', 'memslot-complete'],
  },
  {
    name: 'qm-07: an access goes on in the region of its first byte',
    base: qemu111,
    revision: { ...qemu111, access: { ...access, clampsToSection: () => false } },
    cases: 3_000,
    fires: { 'access-dispatched': ['memory-where-trapped'] },
  },
  {
    name: 'qp-10: the emulated table refuses 8 bytes',
    base: qemu111,
    revision: {
      ...qemu111,
      access: {
        ...access,
        accepts: (structure, request, size) =>
          request.width !== 8 && access.accepts(structure, request, size),
      },
    },
    cases: 500,
    fires: { 'access-dispatched': ['table-refuses-legal-access'] },
  },
  {
    name: 'the emulation of the table is not asked',
    base: qemu111,
    revision: { ...qemu111, access: { ...access, route: () => 'device' } },
    cases: 500,
    fires: { 'access-dispatched': ['device-reached'] },
  },
  {
    name: 'trapped registers are read at the start of the BAR',
    base: qemu111,
    revision: { ...qemu111, access: { ...access, deviceOffset: () => offset(0n) } },
    cases: 1_000,
    fires: { 'access-dispatched': ['device-wrong-place'] },
  },
  {
    name: 'trapped registers are read by the low 32 bits of their offset',
    base: qemu111,
    revision: {
      ...qemu111,
      access: {
        ...access,
        deviceOffset: (request) => offset(BigInt.asUintN(32, access.deviceOffset(request))),
      },
    },
    cases: 8_000,
    fires: { 'access-dispatched': ['device-wrong-place'] },
  },
  {
    name: 'COMMAND enables BARs of ports by the bit of memory',
    base: qemu111,
    sabotage: () =>
      replace(
        PciFunction,
        'isDecoding',
        () =>
          function (this: PciFunction): boolean {
            return (this.config.read(PciRegister.COMMAND, 2) & PciCommand.MEMORY) !== 0;
          },
      ),
    cases: 1_000,
    fires: { 'incremental-equals-scratch': ['bar-misplaced'] },
  },
  {
    name: 'a device is refused for its PBA although the user relocates MSI-X',
    base: qemu111,
    revision: { ...qemu111, device: { ...device, toleratesPbaBeyondBarWhenRelocated: false } },
    only: withPbaToRelocate,
    cases: 500,
    fires: { 'no-abort': ['relocatable-device-refused'] },
  },
  {
    name: 'relocation puts the PBA over the table, and the device is refused',
    base: qemu111,
    revision: {
      ...qemu111,
      device: {
        ...device,
        relocate: (barSize, vectors, hostPageSize) => {
          const place = device.relocate(barSize, vectors, hostPageSize);
          return { ...place, pbaOffset: place.tableOffset };
        },
      },
    },
    only: withPbaToRelocate,
    cases: 500,
    fires: { 'no-abort': ['relocatable-device-refused'] },
  },
  {
    name: 'cloud-hypervisor: a move that fails leaves the new address in the register, and the bus at the old one',
    base: cloudHypervisor53,
    revision: {
      ...cloudHypervisor53,
      rules: { ...cloudHypervisor53.rules, undoesRefusedMove: false },
    },
    only: withOneBarToMove,
    cases: 250,
    fires: { 'incremental-equals-scratch': ['bar-misplaced'] },
  },
];
