import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hex, isAligned, offset } from '../src/address/index.ts';
import type { Machine } from '../src/machine/index.ts';
import { form11, rangeType } from '../src/memory/index.ts';
import type { PciBar, PciFunction } from '../src/pci/index.ts';
import { barRegister } from '../src/pci-layout/index.ts';
import { decodeScenario, type Scenario } from '../src/scenario/index.ts';
import { runOnModel } from '../src/model/index.ts';
import type { Step, Trace } from '../src/trace/index.ts';
import { findRevision, type DeviceEnvironment, type Revision } from '../src/vfio/index.ts';
import type { VfioRegion } from '../src/vfio/vfio-region.ts';

/** A step of a recording. Empty lists are left out. */
interface RecordedStep {
  /** The DMA requests, such as `dev0 map 0x0 0xc0000 read-only`; those of one device are in order. */
  readonly dma?: readonly string[];
  /** The lines that the flat view of system memory has lost (`-`) and gained (`+`). */
  readonly view?: readonly string[];
}

interface Recording {
  readonly scenario: Scenario;
  readonly outcome: string;
  readonly error: string | null;
  /** The start of the machine, and then every operation. Present for runs that completed. */
  readonly steps?: readonly RecordedStep[];
}

const MACHINES = ['pc', 'q35', 'virt', 'pseries'] as const;

const read = (machine: string): Recording[] =>
  readFileSync(fileURLToPath(new URL(`../regressions/recordings/${machine}.ndjson`, import.meta.url)), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const recording = JSON.parse(line) as Recording;
      return { ...recording, scenario: decodeScenario(recording.scenario) };
    });

const RECORDINGS = Object.fromEntries(MACHINES.map((machine) => [machine, read(machine)])) as Record<
  (typeof MACHINES)[number],
  Recording[]
>;
/** All recordings. The machines take turns, so that a search for a difference soon reaches each of them. */
const ALL = Object.values(RECORDINGS)
  .flatMap((recordings) => recordings.map((recording, turn) => ({ recording, turn })))
  .toSorted((a, b) => a.turn - b.turn)
  .map(({ recording }) => recording);

/** The flat view as lines of a recording. */
const viewLines = ({ state }: Step): string[] =>
  state.flatView.map((range) => {
    const { start, end, region, offset: at, priority } = range;
    const kind = rangeType(range, form11);
    return `${hex(start)}-${hex(end - 1n)} ${kind} ${region.name} @${hex(at)} ${priority}`;
  });

/** The DMA requests to the server of one device as lines of a recording. */
const dmaLines = ({ events }: Step, device: string): string[] =>
  events.flatMap((event) => {
    if (event.type !== 'dma-map' && event.type !== 'dma-unmap') return [];
    if (event.container !== device) return [];
    const range = `${hex(event.iova)} ${hex(event.size)}`;
    if (event.type === 'dma-unmap') return [`${device} unmap ${range}`];
    return [`${device} map ${range}${event.readonly ? ' read-only' : ''}`];
  });

/** Applies the changes of a recorded step. @param lines the flat view before the step; changed in place. */
function applyChanges(lines: Set<string>, changes: readonly string[]): void {
  for (const change of changes.toSorted((a) => (a.startsWith('-') ? -1 : 1))) {
    const line = change.slice(1);
    if (change.startsWith('+')) lines.add(line);
    else
      expect(lines.delete(line), `the recording removes a line that the view does not have: ${line}`).toBe(
        true,
      );
  }
}

const sameLines = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, index) => line === b[index]);

/** Whether the error texts agree. QEMU prints none when a signal kills it. */
const sameError = (recorded: string | null, trace: Trace): boolean => {
  if (trace.outcome !== 'aborted') return recorded === (trace.error ?? null);
  return recorded === null
    ? trace.abortSite!.endsWith('segfault')
    : recorded.includes(trace.error!.replace('Object is', 'Object 0xPOINTER is'));
};

/** The first difference between the model's trace and a recording, or nothing. */
function difference({ scenario, outcome, error, steps }: Recording, trace: Trace): string | undefined {
  if (trace.outcome !== outcome) return `outcome ${trace.outcome} for ${outcome}`;
  if (!sameError(error, trace)) return `error ${trace.error} (${trace.abortSite}) for ${error}`;
  if (steps === undefined) return undefined;
  if (trace.steps.length !== steps.length) return `${trace.steps.length} steps for ${steps.length}`;
  const lines = new Set<string>();
  for (const [index, recorded] of steps.entries()) {
    const step = trace.steps[index]!;
    applyChanges(lines, recorded.view ?? []);
    const view = viewLines(step);
    const expected = [...lines].toSorted();
    if (!sameLines(view.toSorted(), expected)) {
      const lacking = expected.filter((line) => !view.includes(line));
      const extra = view.filter((line) => !lines.has(line));
      return `view of step ${index}: lacks ${lacking.join('; ')}, has ${extra.join('; ')}`;
    }
    for (const { id } of scenario.devices) {
      const sent = dmaLines(step, id);
      const received = (recorded.dma ?? []).filter((line) => line.startsWith(`${id} `));
      if (!sameLines(sent, received)) {
        return `messages of step ${index}: ${sent.join('; ')} for ${received.join('; ')}`;
      }
    }
  }
  return undefined;
}

const qemu111 = findRevision('qemu-11.1')!;

type Run = (scenario: Scenario) => Trace;

/** The first difference of each recording that `run` does not reproduce. */
const differences = (recordings: readonly Recording[], run: Run): string[] =>
  recordings.flatMap((recording, index) => {
    const found = difference(recording, run(recording.scenario));
    return found === undefined ? [] : [`${recording.scenario.machine.type} ${index}: ${found}`];
  });

const memoryBars = ({ devices }: Scenario) =>
  devices.flatMap(({ bars }) => bars).filter(({ type }) => type !== 'io');

/** The least number of recordings of each kind. */
const MINIMUM: readonly (readonly [number, string, (recording: Recording) => boolean])[] = [
  [90, 'of pc', ({ scenario }) => scenario.machine.type === 'pc'],
  [150, 'of q35', ({ scenario }) => scenario.machine.type === 'q35'],
  [90, 'of virt', ({ scenario }) => scenario.machine.type === 'virt'],
  [90, 'of pseries', ({ scenario }) => scenario.machine.type === 'pseries'],
  [430, 'with outcome ok', ({ outcome }) => outcome === 'ok'],
  [25, 'with a refused device', ({ outcome }) => outcome === 'rejected'],
  [8, 'with a QEMU that died', ({ outcome }) => outcome === 'aborted'],
  [150, 'on a host of 4K pages', ({ scenario }) => scenario.machine.hostPageSize === 0x1000n],
  [150, 'on a host of 16K pages', ({ scenario }) => scenario.machine.hostPageSize === 0x4000n],
  [150, 'on a host of 64K pages', ({ scenario }) => scenario.machine.hostPageSize === 0x1_0000n],
  [100, 'with a sparse-msix kernel', ({ scenario }) => scenario.host.kernel === 'sparse-msix'],
  [35, 'with two devices', ({ scenario }) => scenario.devices.length === 2],
  [
    100,
    'with sparse areas',
    ({ scenario }) => memoryBars(scenario).some(({ sparse }) => sparse !== undefined),
  ],
  [
    150,
    'with a BAR smaller than a host page',
    ({ scenario }) => memoryBars(scenario).some(({ size }) => size < scenario.machine.hostPageSize),
  ],
  [
    150,
    'in which an enabled BAR moves',
    ({ scenario: { operations } }) =>
      operations.some(
        ({ op }, index) =>
          op === 'set-bar' && operations.findIndex((other) => other.op === 'enable-memory') + 1 <= index,
      ),
  ],
  [100, 'in which a BAR is sized', ({ scenario }) => scenario.operations.some(({ op }) => op === 'size-bar')],
  [
    30,
    'in which the machine is reset',
    ({ scenario }) => scenario.operations.some(({ op }) => op === 'reset'),
  ],
  [
    50,
    'in which MSI-X is enabled, disabled or masked',
    ({ scenario }) =>
      scenario.operations.some(({ op }) => ['enable-msix', 'disable-msix', 'mask-vector'].includes(op)),
  ],
  [
    50,
    'with IOMMU pages larger than the host page',
    ({ scenario: { host, machine } }) => host.iommu.pageSizes.every((size) => size > machine.hostPageSize),
  ],
];

describe('the recordings', () => {
  it.each(MINIMUM)('are at least %i recordings %s', (least, _, matches) => {
    expect(ALL.filter(matches).length).toBeGreaterThanOrEqual(least);
  });

  it('all have vfio-user devices and revision qemu-11.1', () => {
    expect(new Set(ALL.map(({ scenario }) => `${scenario.revision} ${scenario.host.iommu.type}`))).toEqual(
      new Set(['qemu-11.1 vfio-user']),
    );
  });

  it('with outcome ok have a step for the start and for every operation', () => {
    for (const { scenario, outcome, steps } of ALL) {
      expect(steps?.length).toBe(outcome === 'ok' ? scenario.operations.length + 1 : undefined);
    }
  });

  it('hold at least 3500 steps, 4000 DMA requests and 10000 changes of the flat view', () => {
    const steps = ALL.flatMap((recording) => recording.steps ?? []);
    expect(steps.length).toBeGreaterThanOrEqual(3500);
    expect(steps.flatMap(({ dma }) => dma ?? []).length).toBeGreaterThanOrEqual(4000);
    expect(steps.flatMap(({ view }) => view ?? []).length).toBeGreaterThanOrEqual(10_000);
  });
});

describe('outcome, error, flat views and DMA requests of the model at qemu-11.1', () => {
  it.each(MACHINES)('equal those of a real QEMU 11.1.3: %s', (machine) => {
    expect(differences(RECORDINGS[machine], (scenario) => runOnModel(scenario, qemu111))).toEqual([]);
  });

  it(`were compared in ${ALL.length} recordings`, () => {
    expect(ALL.length).toBeGreaterThanOrEqual(480);
  });
});

/** Expects that some recordings differ from `run` and some do not: a broken rule does not break everything. */
function expectFound(run: Run): void {
  const differs = (recording: Recording): boolean =>
    difference(recording, run(recording.scenario)) !== undefined;
  expect(ALL.some(differs)).toBe(true);
  expect(ALL.every(differs)).toBe(false);
}

const { listener, device, machine } = qemu111;

/** The rules of the revision with one of them broken. */
const BROKEN_RULES: readonly (readonly [string, Revision])[] = [
  // All recordings are of vfio-user devices, for which these releases have no client.
  ...['qemu-6.0', 'qemu-2.12', 'qemu-2.11'].map(
    (id) => [id, { ...findRevision(id)!, iommus: qemu111.iommus }] as const,
  ),
  ['trims to 4K on every host', { ...qemu111, listener: { ...listener, alignment: () => 0x1000n } }],
  ['trims to the IOMMU page', { ...qemu111, listener: { ...listener, alignment: ({ iommu }) => iommu } }],
  ['maps the top half', { ...qemu111, listener: { ...listener, skip: () => undefined } }],
  ['asks for any device memory', { ...qemu111, listener: { ...listener, mapsDeviceMemory: () => true } }],
  [
    'asks for no device memory',
    {
      ...qemu111,
      listener: {
        ...listener,
        skip: (section) => (section.region.isRamDevice ? 'ram-device' : undefined),
      },
    },
  ],
  [
    'tests only the start of device memory',
    {
      ...qemu111,
      listener: { ...listener, mapsDeviceMemory: (start, _, { iommu }) => isAligned(start, iommu) },
    },
  ],
  [
    'numbers sparse areas as given',
    {
      ...qemu111,
      device: {
        ...device,
        sparseAreas: (areas, bar) => {
          device.sparseAreas(areas, bar);
          return areas;
        },
      },
    },
  ],
  [
    'accepts overlapping areas',
    {
      ...qemu111,
      device: {
        ...device,
        sparseAreas: (areas) => areas.toSorted((a, b) => Number(a.offset - b.offset)),
      },
    },
  ],
  ['does not check the BIR', { ...qemu111, device: { ...device, checkLocation: () => undefined } }],
  ['ignores MSIX_MAPPABLE', { ...qemu111, device: { ...device, honoursMsixMappable: false } }],
  ['has no wrapper', { ...qemu111, device: { ...device, baseRegion: false, msixParent: ({ bar }) => bar } }],
  [
    'emulates MSI-X even where the machine opts out',
    { ...qemu111, device: { ...device, msixExposure: () => ({ kind: 'emulated' }) } },
  ],
  [
    'never emulates MSI-X',
    { ...qemu111, device: { ...device, msixExposure: () => ({ kind: 'table-disabled' }) } },
  ],
  [
    'survives the refusal of a hot-plugged device',
    { ...qemu111, device: { ...device, hotplugRefusal: 'reported' } },
  ],
  [
    'survives a reset of pseries',
    { ...qemu111, machine: { ...machine, phbResetNeedsKernelContainer: false } },
  ],
  ['has no XIVE', { ...qemu111, machine: { ...machine, xive: false } }],
];

describe('the recordings distinguish qemu-11.1 from a revision that', () => {
  it.each(BROKEN_RULES)('%s', (_, revision) => {
    expectFound((scenario) => runOnModel(scenario, revision));
  });
});

/** Loads the model again, after `mock` has replaced some of its modules. */
async function modelWith(mock: () => void): Promise<Run> {
  vi.resetModules();
  mock();
  const { runOnModel: run } = await import('../src/model/index.ts');
  const { NEWEST } = await import('../src/vfio/index.ts');
  return (scenario) => run(scenario, NEWEST);
}

/** The rules for BARs below the page size, which QEMU grows to a page. */
interface StretchRules {
  readonly stretches: boolean;
  readonly wrapperShrinksBack: boolean;
  readonly readdPriority: number | undefined;
  readonly atAnyAddress: boolean;
}

const STRETCH: StretchRules = {
  stretches: true,
  wrapperShrinksBack: false,
  readdPriority: 0,
  atAnyAddress: false,
};

/** Another implementation of the rules for BARs below the page size. @param rules may be broken. */
const stretching =
  (rules: StretchRules) =>
  (
    pci: PciFunction,
    { address }: PciBar,
    { base, bar, mmaps, barSize, regionSize }: VfioRegion,
    { bus, hostPageSize: page }: DeviceEnvironment,
  ): boolean => {
    const { topology } = bus;
    const [only] = mmaps;
    const whole = mmaps.length === 1 && only!.offset === 0n && only!.size === regionSize;
    if (!rules.stretches || !whole || only!.region === undefined) return false;
    const fits = address !== undefined && (rules.atAnyAddress || isAligned(address, page));
    const size = fits ? page : regionSize;
    topology.transaction(() => {
      if (size > barSize || rules.wrapperShrinksBack) topology.setSize(base!, size);
      topology.setSize(bar!, size);
      topology.setSize(only!.region!, size);
      if (size !== barSize && address !== undefined && rules.readdPriority !== undefined) {
        topology.removeSubregion(base!);
        topology.addSubregion(pci.bus.memory, base!, offset(address), rules.readdPriority);
      }
    });
    return true;
  };

const mockStretching = (rules: StretchRules) => () =>
  vi.doMock('../src/vfio/sub-page-bar.ts', () => ({ updateSubPageBar: stretching(rules) }));

/** Changes every machine after it was built. */
const mockMachines = (change: (built: Machine, type: string) => Machine) => () =>
  vi.doMock('../src/machine/index.ts', async (original) => {
    const module = await original<typeof import('../src/machine/index.ts')>();
    const buildMachine: typeof module.buildMachine = (type, options) =>
      change(module.buildMachine(type, options), type);
    return { ...module, buildMachine };
  });

type PciModule = typeof import('../src/pci/pci-function.ts');

const mockPciFunction = (change: (original: PciModule['PciFunction']) => PciModule['PciFunction']) => () =>
  vi.doMock('../src/pci/pci-function.ts', async (original) => {
    const module = await original<PciModule>();
    return { ...module, PciFunction: change(module.PciFunction) };
  });

type DeviceModule = typeof import('../src/vfio/vfio-device.ts');

const mockVfioDevice = (change: (original: DeviceModule['VfioDevice']) => DeviceModule['VfioDevice']) => () =>
  vi.doMock('../src/vfio/vfio-device.ts', async (original) => {
    const module = await original<DeviceModule>();
    return { ...module, VfioDevice: change(module.VfioDevice) };
  });

const BROKEN_ENGINES: readonly (readonly [string, () => void])[] = [
  ['does not grow a BAR below the page size', mockStretching({ ...STRETCH, stretches: false })],
  ['grows a BAR below the page size at any address', mockStretching({ ...STRETCH, atAnyAddress: true })],
  ['shrinks the wrapper of a grown BAR again', mockStretching({ ...STRETCH, wrapperShrinksBack: true })],
  ['leaves a grown BAR at its priority', mockStretching({ ...STRETCH, readdPriority: undefined })],
  ['adds a grown BAR with priority 1', mockStretching({ ...STRETCH, readdPriority: 1 })],
  [
    'has no region for the PBA of a vfio-user device',
    mockVfioDevice(
      (VfioDevice) =>
        class extends VfioDevice {
          constructor(...[id, host, options, environment]: ConstructorParameters<typeof VfioDevice>) {
            super(id, host, options, { ...environment, vfioUser: false });
          }
        },
    ),
  ],
  [
    'programs a 64-bit BAR high half first',
    mockVfioDevice(
      (VfioDevice) =>
        class extends VfioDevice {
          override setBar(index: number, address: bigint): void {
            const at = barRegister(index);
            const wide = this.pci.bar(index)?.attributes.type === 'mem64';
            if (wide) this.writeConfig(at + 4, 4, Number(address >> 32n));
            this.writeConfig(at, 4, Number(BigInt.asUintN(32, address)));
          }
        },
    ),
  ],
  [
    'keeps the BARs over a reset',
    mockVfioDevice(
      (VfioDevice) =>
        class extends VfioDevice {
          override reset(): void {
            this.setMemoryEnabled(false);
          }
        },
    ),
  ],
  [
    'maps BARs at priority 0',
    mockPciFunction(
      (PciFunction) =>
        class extends PciFunction {
          override mapBar(...[bar, address]: Parameters<PciFunction['mapBar']>): void {
            super.mapBar(bar, address, 0);
          }
        },
    ),
  ],
  [
    'maps BARs highest index first',
    mockPciFunction(
      (PciFunction) =>
        class extends PciFunction {
          override updateMappings(): void {
            (this.bars as PciBar[]).reverse();
            super.updateMappings();
            (this.bars as PciBar[]).reverse();
          }
        },
    ),
  ],
  [
    'moves all BARs of a function in one commit',
    mockPciFunction(
      (PciFunction) =>
        class extends PciFunction {
          override updateMappings(): void {
            this.bus.topology.transaction(() => super.updateMappings());
          }
        },
    ),
  ],
  [
    'maps a BAR at address 0 on a PC',
    mockMachines((built) => ({ ...built, bus: { ...built.bus, addressZeroAllowed: true } })),
  ],
  [
    'does not map a BAR at address 0 on virt and pseries',
    mockMachines((built) => ({ ...built, bus: { ...built.bus, addressZeroAllowed: false } })),
  ],
  ['shows RAM in the BIOS area of q35', mockMachines((built) => ({ ...built, reset: () => undefined }))],
  [
    'shows the BIOS area before the first reset on q35',
    mockMachines((built) => {
      built.reset();
      return built;
    }),
  ],
  ['emulates MSI-X on pseries', mockMachines((built) => ({ ...built, optsOutOfMsixEmulation: false }))],
  [
    'maps RAM and BARs for devices of pseries',
    mockMachines((built, type) =>
      type === 'pseries' ? { ...built, bus: { ...built.bus, dmaSpace: built.memory } } : built,
    ),
  ],
];

describe('the recordings and a replaced engine', () => {
  afterEach(() => {
    vi.doUnmock('../src/vfio/sub-page-bar.ts');
    vi.doUnmock('../src/vfio/vfio-device.ts');
    vi.doUnmock('../src/pci/pci-function.ts');
    vi.doUnmock('../src/machine/index.ts');
    vi.resetModules();
  });

  it('agree when the engine has the same rules in another implementation', async () => {
    const run = await modelWith(() => {
      mockStretching(STRETCH)();
      mockMachines((built) => ({ ...built }))();
      mockPciFunction((PciFunction) => class extends PciFunction {})();
      mockVfioDevice((VfioDevice) => class extends VfioDevice {})();
    });
    expect(differences(ALL, run)).toEqual([]);
  });

  it.each(BROKEN_ENGINES)('differ when the engine %s', async (_, mock) => {
    expectFound(await modelWith(mock));
  });
});
