import type {
  BarSpec,
  DeviceSpec,
  IommuTypeName,
  MachineType,
  Operation,
  Scenario,
} from '../scenario/index.ts';
import type { Outcome, Trace } from '../trace/index.ts';
import { figuresOf, type Figure } from './cost.ts';
import type { Sides } from './difference.ts';
import { runAll, type RunSides } from './run-both.ts';

/** A real device on one side: how the run ended, and the figures of its last state. */
export interface DeviceFigures {
  readonly outcome: Outcome;
  readonly error: string | undefined;
  readonly figures: Readonly<Record<Figure, bigint>>;
}

/** One real device on one host, with all of its memory BARs mapped, on both sides. */
export interface DeviceCost extends Sides<DeviceFigures> {
  readonly device: string;
  readonly host: string;
}

interface HostKind {
  /** `64K ARM`. */
  readonly name: string;
  readonly machine: MachineType;
  readonly hostPageSize: bigint;
  readonly iommu: Scenario['host']['iommu'];
  /** First bus address for 64-bit BARs, and for 32-bit BARs. */
  readonly windows: readonly [wide: bigint, narrow: bigint];
}

const K = 1024n;
const GIB = K ** 3n;
const TIB = K ** 4n;

const arm = (pages: bigint): HostKind => ({
  name: `${pages}K ARM`,
  machine: 'virt',
  hostPageSize: pages * K,
  iommu: { type: 'type1', pageSizes: [pages * K] },
  windows: [512n * GIB, 0x1000_0000n],
});

/** An Arm host for each page size, and POWER, whose IOMMU has smaller pages than the host. */
const HOSTS: readonly HostKind[] = [
  arm(4n),
  arm(16n),
  arm(64n),
  {
    name: '64K POWER',
    machine: 'pseries',
    hostPageSize: 64n * K,
    iommu: { type: 'spapr-tce-v2', pageSizes: [4n * K, 64n * K] },
    windows: [33n * TIB, 0x8000_0000n],
  },
];

/** What both sides of a comparison support. */
export interface SupportedHosts {
  /** The IOMMU types. */
  readonly iommus: readonly IommuTypeName[];
  /** The machine types; all when left out. */
  readonly machines?: readonly MachineType[] | undefined;
}

/**
 * Measures every device on every host that both sides support.
 *
 * @param revision id of the revision that the scenarios name.
 */
export async function costOfDevices(
  devices: readonly DeviceSpec[],
  { iommus, machines }: SupportedHosts,
  run: RunSides,
  revision: string,
): Promise<readonly DeviceCost[]> {
  const hosts = HOSTS.filter(
    ({ iommu, machine }) => iommus.includes(iommu.type) && machines?.includes(machine) !== false,
  );
  const cases = devices.flatMap((device) =>
    hosts.map((host) => ({ device, host, scenario: scenarioOf(device, host, revision) })),
  );
  const costs: DeviceCost[] = [];
  const visit = (_: Scenario, { base, patched }: Sides<Trace>): void => {
    const { device, host } = cases[costs.length]!;
    costs.push({ device: device.name, host: host.name, base: describe(base), patched: describe(patched) });
  };
  await runAll(cases.map(({ scenario }) => scenario).values(), run, { visit });
  return costs;
}

const describe = (trace: Trace): DeviceFigures => ({
  outcome: trace.outcome,
  error: trace.error,
  figures: figuresOf(trace),
});

/** A machine that starts with the device and maps the BARs one after the other, as firmware does. */
function scenarioOf(
  spec: DeviceSpec,
  { machine, hostPageSize, iommu, windows }: HostKind,
  revision: string,
): Scenario {
  const device: DeviceSpec = { ...spec, id: 'dev0', name: 'dev0' };
  return {
    version: 1,
    machine: {
      type: machine,
      msixEmulation: 'machine-default',
      ram: GIB,
      hostPageSize,
      guestPageSize: hostPageSize,
    },
    revision,
    host: { kernel: 'msix-mappable', iommu },
    devices: [device],
    operations: [...place(device.bars, windows, hostPageSize), { op: 'enable-memory', device: 'dev0' }],
  };
}

function place(bars: readonly BarSpec[], [wide, narrow]: HostKind['windows'], page: bigint): Operation[] {
  const next = { wide, narrow };
  const bySize = bars.filter(({ type }) => type !== 'io').toSorted((a, b) => (a.size > b.size ? -1 : 1));
  return bySize.map((bar) => {
    const window = bar.type.startsWith('mem64') ? 'wide' : 'narrow';
    // A BAR smaller than a page gets a page of its own, as with the kernel parameter pci=resource_alignment=.
    const unit = bar.size > page ? bar.size : page;
    const address = ((next[window] + unit - 1n) / unit) * unit;
    next[window] = address + unit;
    return { op: 'set-bar', device: 'dev0', bar: bar.index, address };
  });
}
