/**
 * The library: read a scenario, run it on the model, expect that every invariant holds, write invariants and patches.
 * Arbitraries for fast-check are in `barproof/generators`.
 */

// Scenarios.
export { readScenario } from './library/index.ts';
export { decodeScenario, encodeScenario } from './scenario/index.ts';
export type {
  ApertureSpec,
  BarSpec,
  BarTypeName,
  CpuAccessWidth,
  CpuSpec,
  CpuVendor,
  DeviceOptionsSpec,
  DeviceSpec,
  HostSpec,
  IommuSpec,
  IommuTypeName,
  MachineSpec,
  MachineType,
  MmapErrorName,
  MsixEmulation,
  MsixSpec,
  Operation,
  OverlayKind,
  PowerState,
  Relocation,
  Scenario,
  SparseAreaSpec,
} from './scenario/index.ts';
export { InvalidInput, type Problem } from './input/index.ts';

// Runs and their judgement.
export { InvariantBroken, expectHolds, type ExpectOptions } from './library/index.ts';
export { ALL_REVISIONS, requireRevision, runOnModel, type AnyRevision } from './model/index.ts';
export { INVARIANTS, fingerprintText, violationsOf, type Fingerprint } from './invariants/index.ts';
export type * from './trace/index.ts';
export type { VmmEvent } from './vfio/index.ts';

// Invariants of one's own.
export { defineInvariant, type InvariantDefinition } from './library/index.ts';
export type { Examination, Invariant, InvariantId, Judge, Violation } from './invariants/index.ts';

// Patches.
export { definePatch, type Change, type Patch, type PatchDefinition } from './validate/index.ts';
export { alignDown, alignUp, hex, isAligned, offset } from './address/index.ts';
export { FlatRange, type MemoryRegion, type MemoryRegionSection, type MemoryRules } from './memory/index.ts';
export type { CloudHypervisorRevision, CloudHypervisorRules } from './cloud-hypervisor/index.ts';
export {
  DeviceRefused,
  VmmAbort,
  type DeviceRules,
  type ListenerContext,
  type ListenerRules,
  type MachineRules,
  type MemslotRules,
  type MsixExposure,
  type OptOutContext,
  type PageSizes,
  type Revision,
} from './vfio/index.ts';
