import type * as fc from 'fast-check';
import { alignUp } from '../src/address/index.ts';
import {
  IOMMU_TYPES,
  isRealistic,
  type DeviceSpec,
  type MachineSpec,
  type MachineType,
  type Scenario,
} from '../src/scenario/index.ts';
import { arbitrary } from './arbitrary.ts';
import type { Choose } from './choose.ts';
import { chooseDevice } from './device.ts';
import { chooseHistories, simplifyHistories, type HistoriesShape } from './histories.ts';
import { chooseOperations } from './operations.ts';
import { withRom } from './roms.ts';
import { chooseScenario, type ScenarioConstraints } from './scenario.ts';
import { simplifyScenario } from './simplify-scenario.ts';

/** The kinds of IOMMU that the host's kernel offers: all but vfio-user. */
const KERNEL_IOMMUS = IOMMU_TYPES.filter((type) => type !== 'vfio-user');

/** pseries takes RAM in blocks of 256 MiB, and QEMU rounds that of all other machines to 8 KiB. */
const ramUnitOf = ({ type }: MachineSpec): bigint => (type === 'pseries' ? 256n << 20n : 0x2000n);

/**
 * Scenarios that a real QEMU can run on the kernel's own VFIO interface, on machines of these types: containers of
 * type1, iommufd and sPAPR, and only operations that a guest or a user can do.
 */
export const kernelScenarios = (...machineTypes: readonly MachineType[]): fc.Arbitrary<Scenario> =>
  arbitrary((choose) => chooseForKernel(choose, { machineTypes }), simplifyForKernel);

/**
 * Many scenarios of `kernelScenarios` at a time, in lists that run side by side. The scenarios of a list share machine and
 * host, and those of a set their devices, too. All lists shrink to one scenario.
 */
export const kernelHistories = (
  shape: HistoriesShape,
  ...machineTypes: readonly MachineType[]
): fc.Arbitrary<readonly (readonly Scenario[])[]> =>
  arbitrary(
    (choose) => Array.from({ length: shape.lanes }, () => chooseKernelHistories(choose, shape, machineTypes)),
    simplifyHistories(simplifyForKernel),
  );

/** One list of `kernelHistories`. */
export function chooseKernelHistories(
  choose: Choose,
  { histories, sets = 1, realistic = false }: Omit<HistoriesShape, 'lanes'>,
  machineTypes: readonly MachineType[],
): readonly Scenario[] {
  const first = chooseForKernel(choose, { machineTypes, realistic });
  // The devices of a realistic scenario belong to its machine.
  const others = realistic ? 0 : sets - 1;
  const firsts = [first, ...Array.from({ length: others }, () => withOtherDevices(choose, first))];
  return firsts.flatMap((one) => chooseHistories(choose, one, histories, realistic));
}

/** The same machine and host with other devices and operations. */
function withOtherDevices(choose: Choose, scenario: Scenario): Scenario {
  const { machine } = scenario;
  const devices = choose
    .list(choose.weighted([15, 1], [4, 2], [1, 3]), (index) =>
      chooseDevice(choose, `dev${index}`, machine.hostPageSize, false, false),
    )
    .map(withoutProposals);
  return { ...scenario, devices, operations: chooseOperations(choose, machine, devices, false) };
}

/** One scenario of `kernelScenarios`. */
export function chooseForKernel(
  choose: Choose,
  constraints: Pick<ScenarioConstraints, 'machineTypes' | 'realistic'>,
): Scenario {
  const scenario = chooseScenario(choose, {
    ...constraints,
    iommuTypes: KERNEL_IOMMUS,
    overlays: false,
    roms: false,
  });
  const { devices } = scenario;
  const machine = withOwnCpu(scenario.machine);
  const drawn: Scenario = {
    ...scenario,
    machine: { ...machine, ram: alignUp(machine.ram, ramUnitOf(machine)), msixEmulation: 'machine-default' },
    devices: devices.map(withoutProposals),
  };
  return withRom(choose, drawn, { isReal: isRealistic(drawn) });
}

/** Without KVM, QEMU's virt has a CPU of its own width; the host's CPU does not matter. */
function withOwnCpu(machine: MachineSpec): MachineSpec {
  if (machine.type !== 'virt') return machine;
  const { cpu: _, ...others } = machine;
  return others;
}

/** No release of QEMU has the property that only a proposal reads. */
function withoutProposals(device: DeviceSpec): DeviceSpec {
  const { 'x-no-msix-emulation': _, ...options } = device.options;
  return { ...device, options };
}

/** Simpler scenarios that can still run on the same type of machine, by the kernel's interface. */
export function* simplifyForKernel(scenario: Scenario): Generator<Scenario> {
  const { machine } = scenario;
  const unit = ramUnitOf(machine);
  for (const candidate of simplifyScenario(scenario)) {
    const isSame =
      candidate.machine.type === machine.type && candidate.machine.msixEmulation === machine.msixEmulation;
    if (isSame && candidate.machine.ram % unit === 0n && candidate.host.iommu.type !== 'vfio-user')
      yield candidate;
  }
}
