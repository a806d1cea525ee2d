import { LAST_ADDRESS } from '../src/address/index.ts';
import {
  checkScenario,
  cpuOf,
  ScenarioDecoder,
  type DeviceSpec,
  type Operation,
  type Scenario,
} from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';
import { chooseMappingLimit } from './mapping-limit.ts';
import { chooseMsix } from './msix.ts';

/** Changes one thing of a scenario; `other` is a second scenario from which a part may come. */
type Mutation = (choose: Choose, scenario: Scenario, other: Scenario) => Scenario;

const KIB = 0x400n;
const PAGES = [4n * KIB, 16n * KIB, 64n * KIB] as const;

/** The mutations by name. Each changes what a developer would call one thing. */
const MUTATIONS = {
  /** Puts table and PBA of a device elsewhere. */
  'move-table': (choose, scenario) =>
    withDevice(choose, scenario, (device) => {
      const { msix: _, ...rest } = device;
      const msix = chooseMsix(choose, device.bars, scenario.machine.hostPageSize);
      return msix === undefined ? rest : { ...rest, msix };
    }),
  'change-host-page': (choose, { machine, ...scenario }) => ({
    ...scenario,
    machine: { ...machine, hostPageSize: choose.among(PAGES) },
  }),
  'change-guest-page': (choose, { machine, ...scenario }) => ({
    ...scenario,
    machine: { ...machine, guestPageSize: choose.among(PAGES) },
  }),
  'change-iommu-page': (choose, { host, ...scenario }) => {
    const page = choose.among(PAGES);
    // The first DMA window of a guest of pseries has pages of 4 KiB, which every host offers (host fact 3.3).
    const pageSizes = host.iommu.type.startsWith('spapr') && page !== PAGES[0] ? [PAGES[0], page] : [page];
    return { ...scenario, host: { ...host, iommu: { ...host.iommu, pageSizes } } };
  },
  /** Begins as one scenario and ends as the other. */
  'splice-operations': (choose, scenario, other) => ({
    ...scenario,
    operations: [
      ...scenario.operations.slice(0, choose.integer(0, scenario.operations.length)),
      ...other.operations.slice(choose.integer(0, other.operations.length)),
    ],
  }),
  'repeat-operation': (choose, { operations, ...scenario }) => ({
    ...scenario,
    operations: [...operations, ...(operations.length > 0 ? [choose.among(operations)] : [])],
  }),
  'leave-out-operation': (choose, { operations, ...scenario }) => ({
    ...scenario,
    operations: operations.toSpliced(choose.integer(0, Math.max(operations.length - 1, 0)), 1),
  }),
  /** A device that only a vfio-user server can make stays behind one. */
  'swap-device': (choose, scenario, { devices, host }) =>
    devices.length === 0 || host.iommu.type !== scenario.host.iommu.type
      ? scenario
      : withDevice(choose, scenario, ({ id, name }) => ({ ...choose.among(devices), id, name })),
  'swap-host': (_, scenario, { host }) =>
    host.iommu.type === scenario.host.iommu.type ? { ...scenario, host } : scenario,
  /** Moves a BAR to the end of what something can address, within it or across. */
  'cross-limit': (choose, scenario) => {
    const moves = scenario.operations.flatMap((operation, index) =>
      operation.op === 'set-bar' ? [index] : [],
    );
    if (moves.length === 0) return scenario;
    const index = choose.among(moves);
    const move = scenario.operations[index] as Extract<Operation, { op: 'set-bar' }>;
    const device = scenario.devices.find(({ id }) => id === move.device);
    const size = device?.bars.find((bar) => bar.index === move.bar)?.size ?? 0x1000n;
    const limit = choose.among(limitsOf(scenario));
    const address = choose.among([limit - size, limit, limit - size / 2n, limit - 2n * size]);
    return {
      ...scenario,
      operations: scenario.operations.with(index, { ...move, address: BigInt.asUintN(64, address) }),
    };
  },
  'limit-mappings': (choose, scenario) => {
    const { host, machine, devices } = scenario;
    if (host.iommu.type !== 'type1') return scenario;
    const maxMappings = chooseMappingLimit(choose, machine.type, devices);
    return { ...scenario, host: { ...host, iommu: { ...host.iommu, maxMappings } } };
  },
} as const satisfies Record<string, Mutation>;

/** The names of the mutations. */
export const MUTATION_NAMES = Object.keys(MUTATIONS) as readonly (keyof typeof MUTATIONS)[];

/** How often another mutation is tried where one gives no valid scenario. */
const ATTEMPTS = 8;

/**
 * A valid scenario that differs from another by one to three mutations; the scenario itself where none gives a valid one.
 *
 * @param other a second scenario, from which operations, a device or the host may come.
 */
export function mutateScenario(choose: Choose, scenario: Scenario, other: Scenario): Scenario {
  let mutated = scenario;
  let left = choose.weighted([5, 1], [3, 2], [2, 3]);
  for (let attempt = 0; attempt < ATTEMPTS && left > 0; attempt++) {
    const candidate = MUTATIONS[choose.among(MUTATION_NAMES)](choose, mutated, other);
    if (!isValid(candidate)) continue;
    mutated = candidate;
    left--;
  }
  return mutated;
}

function isValid(scenario: Scenario): boolean {
  const decoder = new ScenarioDecoder();
  checkScenario(scenario, decoder, '');
  return decoder.problems.length === 0;
}

function withDevice(
  choose: Choose,
  scenario: Scenario,
  change: (device: DeviceSpec) => DeviceSpec,
): Scenario {
  const { devices } = scenario;
  if (devices.length === 0) return scenario;
  const index = choose.integer(0, devices.length - 1);
  return { ...scenario, devices: devices.with(index, change(devices[index]!)) };
}

/** The first addresses that something cannot reach: 32 bits, the CPU, the IOMMU, 64 bits. */
const limitsOf = (scenario: Scenario): readonly bigint[] => [
  1n << 32n,
  1n << BigInt(cpuOf(scenario)?.physBits ?? 64),
  ...(scenario.host.iommu.apertures ?? []).flatMap(({ start, end }) => [start, end + 1n]),
  LAST_ADDRESS + 1n,
];
