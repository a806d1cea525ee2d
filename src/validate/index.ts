/** Patches in TypeScript, pairs of QEMU builds, and the verdict on them. */
export type { CauseTally, OutcomePair } from './compare.ts';
export { FIGURES, type Cost, type Figure, type FigureChange } from './cost.ts';
export type { DeviceCost, DeviceFigures } from './device-cost.ts';
export type { Difference, Sides } from './difference.ts';
export { PatchFault, RuleWatch, whatWasThrown } from './guard.ts';
export {
  judgePatch,
  type JudgeOptions,
  type JudgePatchOptions,
  type PatchFailure,
  type PatchJudgement,
} from './judge-patch.ts';
export { judgeTargets, type JudgeTargetsOptions } from './judge-targets.ts';
export { BuiltIns } from './built-ins.ts';
export {
  baseOfPatch,
  loadPatch,
  loadProgram,
  placeIn,
  replacesBuiltIn,
  type Library,
  type LoadedPatch,
} from './load-patch.ts';
export { definePatch, isPatch, type Change, type Patch, type PatchDefinition } from './patch.ts';
export { writePatchTemplate } from './patch-template.ts';
export { isUnreached, neverDiffers } from './reach.ts';
export { listRules, type ListedRule } from './rule-list.ts';
export { MOST_ANSWERS, type RuleUse } from './guard.ts';
export { isMostlyNew } from './status.ts';
export { type ChangedFunctionRuns, type FurtherDraw, type PatchOnTree } from './patch-on-tree.ts';
export { FaultyRun, runPatched, type PatchedRun } from './patched-run.ts';
export { shrinkFault } from './shrink-fault.ts';
export { Unrepeatable, type Counterexample } from './shrink-difference.ts';
export { saveCounterexamples, type SaveCounterexamples } from './save-counterexamples.ts';
export type { RequestKind } from './requests.ts';
export { statusOf, type CauseStatus } from './status.ts';
export { spread, surroundingsOf, type CaseLists } from './surroundings.ts';
export type { Effect, VerdictFinding } from './verdict-findings.ts';
export {
  validate,
  type CauseVerdict,
  type InvariantStatus,
  type InvariantVerdict,
  type SideName,
  type ValidateOptions,
  type Verdict,
} from './verdict.ts';
