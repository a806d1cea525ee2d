/** Campaigns: search, shrinking, and the store of findings. */
export { check, type CheckOptions } from './check.ts';
export { checkableInvariants, checkTarget, type CheckTargetOptions } from './check-target.ts';
export { behavioursOf } from './blocks/behaviour.ts';
export { CampaignFolder } from './blocks/campaign-folder.ts';
export type { CampaignState } from './blocks/campaign-state.ts';
export { discoveryName, type CaseNumber, type Discovery } from './blocks/discovery.ts';
export {
  BLOCK_CASES,
  fuzz,
  type BlockOrder,
  type FuzzOptions,
  type FuzzPlan,
  type FuzzResult,
  type Workers,
} from './blocks/fuzz.ts';
export { inOrder } from './blocks/in-order.ts';
export { prove, type ProofPlan, type ProofResult } from './blocks/prove.ts';
export {
  runBlock,
  type BlockCases,
  type BlockResult,
  type Judging,
  type KeptScenario,
} from './blocks/run-block.ts';
export { WHOLE, blocksOf, parseShard, shardOfEnvironment, shardText, type Shard } from './blocks/shard.ts';
export {
  shrinkDiscovery,
  shrinkKept,
  type ShrinkOptions,
  type ShrunkDiscovery,
} from './blocks/shrink-discovery.ts';
export { originOf, type StoredFinding } from './blocks/stored-finding.ts';
export { sumOf, type Tally } from './blocks/tally.ts';
export { deriveSeed } from './derive-seed.ts';
export {
  ranCases,
  type CampaignEvent,
  type CampaignListener,
  type CampaignPlan,
  type CampaignSummary,
} from './events.ts';
export { findingOf, stabilityText, type Finding, type Origin, type Stability } from './finding.ts';
export { forgivenBy } from './forgiven-by.ts';
export { Interrupted, interruptible } from './interruptible.ts';
export { caseInputs, loadCase, parseCase, type CaseInput, type LoadedCase } from './load-case.ts';
export {
  decodeRegression,
  formatRegression,
  looksLikeRegression,
  REGRESSION_STATUSES,
  type Regression,
  type RegressionStatus,
} from './regression.ts';
export { RegressionStore, isCaseFile, type StoredRegression } from './regression-store.ts';
export { makeRegression } from './save-finding.ts';
export { replayCase, type Replay, type StoredComparison } from './replay.ts';
export type { Scenarios } from './draw.ts';
export type { SearchResult, Sighting } from './search-result.ts';
export { search, type SearchOptions } from './search.ts';
export { shrinkSighting, type Shrunk } from './shrink-sighting.ts';
export type { RunScenario } from './run-scenario.ts';
