/** fast-check arbitraries for machines, hosts, devices and sequences of operations. */
import type * as fc from 'fast-check';
import {
  type BarSpec,
  type DeviceSpec,
  type HostSpec,
  type IommuTypeName,
  type MachineSpec,
  type MsixSpec,
  type Operation,
  IOMMU_TYPES,
} from '../src/scenario/index.ts';
import { arbitrary } from './arbitrary.ts';
import { chooseBars } from './bars.ts';
import { chooseDevice } from './device.ts';
import { chooseHost, choosePageSizes, limitMappings } from './host.ts';
import { chooseMachine } from './machine.ts';
import { chooseMsix } from './msix.ts';
import { chooseOperations } from './operations.ts';

export { arbitrary } from './arbitrary.ts';
export { Choose } from './choose.ts';
export { classify, SCENARIO_CLASSES, type ScenarioClass } from './classes.ts';
export { GuidedCases } from './guided-cases.ts';
export { hostSessions, type GeneratedContainer, type GeneratedHost } from './host-sessions/host-sessions.ts';
export { kernelHistories, kernelScenarios } from './kernel-scenario.ts';
export { mutateScenario } from './mutate-scenario.ts';
export { qemuHistories, qemuScenarios, simplifyQemuScenario } from './qemu-scenario.ts';
export { REALISTIC_SHARE } from './realistic.ts';
export { REAL_DEVICES, type RealDevice } from './real-devices.ts';
export { chooseScenario, scenarios, type ScenarioConstraints } from './scenario.ts';
export { realisticServedScenarios, servedHistories, servedScenarios } from './served-scenario.ts';
export { simplifyScenario } from './simplify-scenario.ts';
export { weigh } from './weigh.ts';

const PAGE = 0x1000n;

/** Page sizes of an IOMMU on a host with pages of `hostPageSize` bytes. */
export const pageSizes = (hostPageSize = PAGE): fc.Arbitrary<readonly bigint[]> =>
  arbitrary(
    (choose) => choosePageSizes(choose, hostPageSize),
    () => [],
  );

/** Machines of every type. */
export const machines = (): fc.Arbitrary<MachineSpec> =>
  arbitrary(
    (choose) => chooseMachine(choose),
    () => [],
  );

/** Hosts for `machine`: the kernel's behaviour and the IOMMU. */
export const hosts = (
  machine: MachineSpec,
  types: readonly IommuTypeName[] = IOMMU_TYPES,
): fc.Arbitrary<HostSpec> =>
  arbitrary(
    (choose) => limitMappings(choose, chooseHost(choose, machine, types), machine.type, []),
    () => [],
  );

/** The BARs of a device. */
export const barSets = (hostPageSize = PAGE): fc.Arbitrary<readonly BarSpec[]> =>
  arbitrary(
    (choose) => chooseBars(choose, hostPageSize),
    () => [],
  );

/** MSI-X layouts in a device with these BARs. */
export const msixLayouts = (
  bars: readonly BarSpec[],
  hostPageSize = PAGE,
): fc.Arbitrary<MsixSpec | undefined> =>
  arbitrary(
    (choose) => chooseMsix(choose, bars, hostPageSize),
    () => [],
  );

/** Devices, real and invented. */
export const devices = (id = 'dev0', hostPageSize = PAGE): fc.Arbitrary<DeviceSpec> =>
  arbitrary(
    (choose) => chooseDevice(choose, id, hostPageSize),
    () => [],
  );

/** Sequences of operations on `devices` in `machine`. */
export const operationSequences = (
  machine: MachineSpec,
  plugged: readonly DeviceSpec[],
): fc.Arbitrary<readonly Operation[]> =>
  arbitrary(
    (choose) => chooseOperations(choose, machine, plugged),
    () => [],
  );
