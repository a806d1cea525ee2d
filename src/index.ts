/** The library: scenarios, the model, the invariants and the revisions; arbitraries are in `barproof/generators`. */
export { alignDown, alignUp, hex, isAligned, offset } from './address/index.ts';
export * from './campaign/index.ts';
export {
  InvalidInput,
  MAX_TEXT_BYTES,
  nearestTo,
  parseJson,
  printable,
  readTextFile,
  writeAtomically,
  type Problem,
} from './input/index.ts';
export {
  COMMON_INVARIANTS,
  Examination,
  FingerprintMap,
  FingerprintSet,
  INVARIANTS,
  INVARIANT_IDS,
  brokenBy,
  examine,
  examineAll,
  findInvariant,
  fingerprintText,
  metricsOf,
  sameFingerprint,
  violationsOf,
  type Fingerprint,
  type Invariant,
  type InvariantId,
  type Judge,
  type Metrics,
  type Position,
  type Violation,
} from './invariants/index.ts';
export { FlatRange, type MemoryRegion, type MemoryRegionSection, type MemoryRules } from './memory/index.ts';
export * from './report/index.ts';
export * from './scenario/index.ts';
export {
  ALL_REVISIONS,
  ModelTarget,
  findAnyRevision,
  requireRevision,
  requireSuitable,
  runOnModel,
  scopeOf,
  type AnyRevision,
  type Scope,
} from './model/index.ts';
export type { CloudHypervisorRevision, CloudHypervisorRules } from './cloud-hypervisor/index.ts';
export type * from './trace/index.ts';
export {
  definePatch,
  runPatched,
  validate,
  type CauseStatus,
  type CauseVerdict,
  type Change,
  type Counterexample,
  type InvariantStatus,
  type InvariantVerdict,
  type Patch,
  type PatchDefinition,
  type ValidateOptions,
  type Verdict,
} from './validate/index.ts';
export {
  DeviceRefused,
  NEWEST,
  REVISIONS,
  VmmAbort,
  findRevision,
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
