import type * as fc from 'fast-check';
import type { DeviceSpec, MachineSpec, MachineType, Scenario } from '../src/scenario/index.ts';
import { arbitrary } from './arbitrary.ts';
import type { Choose } from './choose.ts';
import { chooseOperations } from './operations.ts';
import { chooseScenario } from './scenario.ts';
import { simplifyScenario } from './simplify-scenario.ts';

const MIB = 1n << 20n;
/** pseries takes RAM in blocks of this size; the others in smaller ones that divide it. */
const RAM_BLOCK = 256n * MIB;
/** Most machines have one of these: a process serves only machines with equal RAM. */
const USUAL_RAM: readonly bigint[] = [512n * MIB, 4096n * MIB];

/**
 * Scenarios on a machine of this type with which a real QEMU agrees to be tested: devices served over
 * vfio-user, nothing but what a guest and an operator can do from outside.
 */
export function servedScenarios(...machineTypes: readonly MachineType[]): fc.Arbitrary<Scenario> {
  return arbitrary((choose) => chooseServed(choose, machineTypes), simplifyServed);
}

/** How many scenarios there are at a time, and what they have in common. */
export interface HistoriesShape {
  /** Lists whose devices have nothing to do with one another; 1 or more. */
  readonly lanes: number;
  /** Scenarios a list; 1 or more. */
  readonly histories: number;
}

/**
 * Many scenarios at a time for a real QEMU: lists of such that have the same hardware and differ in nothing but
 * their operations. Plugging devices in is what costs, and it is done once for a list. They shrink to one
 * scenario.
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

/** Whether a simpler scenario is still one of these, on the same machine. */
const isServed = ({ machine, host }: Scenario, { type, msixEmulation }: MachineSpec): boolean =>
  machine.type === type &&
  machine.msixEmulation === msixEmulation &&
  machine.ram % RAM_BLOCK === 0n &&
  host.iommu.type === 'vfio-user';

const roundUp = (ram: bigint): bigint => ((ram + RAM_BLOCK - 1n) / RAM_BLOCK) * RAM_BLOCK;
