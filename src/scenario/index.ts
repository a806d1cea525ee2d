/** Scenarios: their parts, their JSON form, and the checks of a scenario that a user wrote. */
export { DEVICE_WAYS, wayOf, type DeviceWay, type MachinesByWay } from './device-way.ts';
export { checkScenario } from './check-scenario.ts';
export { hasConformingLayout, isConforming, isPutRightByRelocation } from './conforming-device.ts';
export { decodeDevice, decodeScenario, readScenarioPart } from './decode-scenario.ts';
export { cpuOf, lastGuestAddress } from './cpu.ts';
export {
  byRealism,
  deviceNeeds,
  hardwareNeeds,
  isCloudHypervisor,
  isRealistic,
  needsOf,
  pciWindows,
  realismText,
  type Need,
  type NeedKind,
  type PciWindows,
} from './firmware/index.ts';
export { encodeScenario, toJsonLine, toJsonText, type JsonValue } from './format.ts';
export {
  allowsMsixMmap,
  HOST_KERNELS,
  isKernelBefore,
  isKernelVersion,
  type HostKernel,
} from './host-kernel.ts';
export { findNamedHost, NAMED_HOSTS, type NamedHost } from './named-hosts.ts';
export { ScenarioDecoder } from './scenario-decoder.ts';
export * as schemaFields from './schema/fields.ts';
export type { Schema } from './schema/fields.ts';
export { SCENARIO_SCHEMA } from './schema/scenario-schema.ts';
export * from './scenario.ts';
export { barText, slotName } from './slot-name.ts';
