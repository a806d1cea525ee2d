import type * as fc from 'fast-check';
import { alignUp } from '../src/address/index.ts';
import {
  isRealistic,
  type DeviceSpec,
  type MachineSpec,
  type MachineType,
  type Scenario,
} from '../src/scenario/index.ts';
import { arbitrary } from './arbitrary.ts';
import type { Choose } from './choose.ts';
import { chooseHistories, simplifyHistories, type HistoriesShape } from './histories.ts';
import { chooseFirmwareOperations } from './firmware-operations.ts';
import { withRom } from './roms.ts';
import { chooseScenario, type ScenarioConstraints } from './scenario.ts';
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
  return arbitrary((choose) => chooseServed(choose, { machineTypes }), simplifyServed);
}

/** The `servedScenarios` that a real machine can show as firmware sets it up, and no others. */
export function realisticServedScenarios(...machineTypes: readonly MachineType[]): fc.Arbitrary<Scenario> {
  return arbitrary((choose) => chooseServed(choose, { machineTypes, realistic: true }), simplifyServed);
}

/** What the scenarios for a real QEMU are drawn from. */
type Served = Pick<ScenarioConstraints, 'machineTypes' | 'realistic'>;

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
    (choose) => Array.from({ length: shape.lanes }, () => chooseServedHistories(choose, shape, machineTypes)),
    simplifyHistories(simplifyServed),
  );
}

/** One list of `servedHistories`. */
export function chooseServedHistories(
  choose: Choose,
  { histories, realistic = false }: Pick<HistoriesShape, 'histories' | 'realistic'>,
  machineTypes: readonly MachineType[],
): readonly Scenario[] {
  return chooseHistories(choose, chooseServed(choose, { machineTypes, realistic }), histories, realistic);
}

/** One scenario of `servedScenarios`. */
export function chooseServed(choose: Choose, served: Served): Scenario {
  const scenario = chooseScenario(choose, {
    ...served,
    iommuTypes: ['vfio-user'],
    overlays: false,
    roms: false,
  });
  const ram = choose.chance(85) ? choose.among(USUAL_RAM) : alignUp(scenario.machine.ram, RAM_BLOCK);
  const usual: Scenario = {
    ...scenario,
    machine: { ...scenario.machine, ram, msixEmulation: 'machine-default' },
    devices: scenario.devices.map((device): DeviceSpec => ({ ...device, options: {} })),
  };
  // Firmware places BARs behind RAM, which has another size now.
  const isReal = isRealistic(scenario);
  const whole = isReal ? { ...usual, operations: chooseFirmwareOperations(choose, usual, false) } : usual;
  return withRom(choose, whole, { isReal });
}

/** Simpler scenarios that can still run on the same type of machine, served over vfio-user. */
export function* simplifyServed(scenario: Scenario): Generator<Scenario> {
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
