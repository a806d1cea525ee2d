import type * as fc from 'fast-check';
import type { DeviceSpec, MachineSpec, MachineType, Scenario } from '../src/scenario/index.ts';
import { arbitrary } from './arbitrary.ts';
import type { Choose } from './choose.ts';
import { chooseOperations } from './operations.ts';
import { chooseScenario } from './scenario.ts';
import { simplifyScenario } from './simplify-scenario.ts';

const MIB = 1n << 20n;
/** pseries takes RAM in blocks of 256 MiB; all other machine types take multiples of 256 MiB as well. */
const RAM_BLOCK = 256n * MIB;
/** The RAM of 85 % of the machines: a QEMU process is reused only for scenarios with equal RAM. */
const USUAL_RAM: readonly bigint[] = [512n * MIB, 4096n * MIB];

/**
 * Scenarios that a real QEMU can run, on machines of these types: devices served over vfio-user, and only
 * operations that a guest or a user can do.
 */
export function servedScenarios(...machineTypes: readonly MachineType[]): fc.Arbitrary<Scenario> {
  return arbitrary((choose) => chooseServed(choose, machineTypes), simplifyServed);
}

/** How many lists of scenarios are drawn at a time, and how many scenarios a list has. */
export interface HistoriesShape {
  /** Number of lists, each with hardware of its own; 1 or more. */
  readonly lanes: number;
  /** Number of scenarios in a list; 1 or more. */
  readonly histories: number;
}

/**
 * Many scenarios at a time for a real QEMU, in lists. The scenarios of a list share their hardware and differ only
 * in their operations: plugging devices in takes most of the time, and is done once for a list. All lists
 * shrink to one scenario.
 */
export function servedHistories(
  shape: HistoriesShape,
  ...machineTypes: readonly MachineType[]
): fc.Arbitrary<readonly (readonly Scenario[])[]> {
  return arbitrary(
    (choose) =>
      Array.from({ length: shape.lanes }, () => chooseHistories(choose, shape.histories, machineTypes)),
    simplifyHistories,
  );
}

function chooseHistories(
  choose: Choose,
  count: number,
  machineTypes: readonly MachineType[],
): readonly Scenario[] {
  const first = chooseServed(choose, machineTypes);
  const { machine, devices } = first;
  const others = Array.from({ length: count - 1 }, (): Scenario => ({
    ...first,
    operations: chooseOperations(choose, machine, devices, false),
  }));
  return [first, ...others];
}

function* simplifyHistories(
  lanes: readonly (readonly Scenario[])[],
): Generator<readonly (readonly Scenario[])[]> {
  const [first, ...others] = lanes.flat();
  if (first === undefined) return;
  if (others.length > 0) for (const scenario of [first, ...others]) yield [[scenario]];
  else for (const simpler of simplifyServed(first)) yield [[simpler]];
}

function chooseServed(choose: Choose, machineTypes: readonly MachineType[]): Scenario {
  const scenario = chooseScenario(choose, {
    iommuTypes: ['vfio-user'],
    machineTypes,
    overlays: false,
  });
  const ram = choose.chance(85) ? choose.among(USUAL_RAM) : roundUp(scenario.machine.ram);
  return {
    ...scenario,
    machine: { ...scenario.machine, ram, msixEmulation: 'machine-default' },
    devices: scenario.devices.map((device): DeviceSpec => ({ ...device, options: {} })),
  };
}

function* simplifyServed(scenario: Scenario): Generator<Scenario> {
  for (const candidate of simplifyScenario(scenario)) {
    if (isServed(candidate, scenario.machine)) yield candidate;
  }
}

/** Whether a simpler scenario can still run on the same type of machine, served over vfio-user. */
const isServed = ({ machine, host }: Scenario, { type, msixEmulation }: MachineSpec): boolean =>
  machine.type === type &&
  machine.msixEmulation === msixEmulation &&
  machine.ram % RAM_BLOCK === 0n &&
  host.iommu.type === 'vfio-user';

const roundUp = (ram: bigint): bigint => ((ram + RAM_BLOCK - 1n) / RAM_BLOCK) * RAM_BLOCK;
