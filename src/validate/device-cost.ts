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
import { MODEL_HOSTS, type HostKind } from './host-kinds.ts';
import { runAll, type RunSides, type Watcher } from './run-both.ts';

/** Bytes of RAM of the machine. */
const RAM = 1n << 30n;

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

/** What both sides of a comparison support. */
export interface SupportedHosts {
  /** The IOMMU types. */
  readonly iommus: readonly IommuTypeName[];
  /** The machine types; all when left out. */
  readonly machines?: readonly MachineType[] | undefined;
  /** The hosts to measure on, as far as both sides support them; `MODEL_HOSTS` when left out. */
  readonly hosts?: readonly HostKind[] | undefined;
}

/**
 * Measures every device on every host that both sides support.
 *
 * @param options `revision`: id of the revision that the scenarios name; and what `runAll` wants to know.
 */
export async function costOfDevices(
  devices: readonly DeviceSpec[],
  { iommus, machines, hosts: kinds = MODEL_HOSTS }: SupportedHosts,
  run: RunSides,
  { revision, ...watch }: { readonly revision: string } & Pick<Watcher, 'lanes' | 'signal'>,
): Promise<readonly DeviceCost[]> {
  const hosts = kinds.filter(
    ({ iommu, machine }) => iommus.includes(iommu.type) && machines?.includes(machine) !== false,
  );
  const cases = devices.flatMap((device) =>
    hosts.map((host) => ({ device, host, scenario: scenarioOf(device, host, revision) })),
  );
  const caseOf = new Map(cases.map((one) => [one.scenario, one]));
  const costs: DeviceCost[] = [];
  const visit = (scenario: Scenario, { base, patched }: Sides<Trace>): void => {
    const { device, host } = caseOf.get(scenario)!;
    costs.push({ device: device.name, host: host.name, base: describe(base), patched: describe(patched) });
  };
  await runAll(caseOf.keys(), run, { visit, ...watch });
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
  { machine, cpu, kernel, hostPageSize, iommu, windows }: HostKind,
  revision: string,
): Scenario {
  const device: DeviceSpec = { ...spec, id: 'dev0', name: 'dev0' };
  return {
    version: 1,
    machine: {
      type: machine,
      msixEmulation: 'machine-default',
      ram: RAM,
      hostPageSize,
      guestPageSize: hostPageSize,
      ...(cpu && { cpu }),
    },
    revision,
    host: { kernel, iommu },
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
