/** Campaigns: search, shrinking, and the store of findings. */
export { check, type CheckOptions } from './check.ts';
export { checkTarget, type CheckTargetOptions } from './check-target.ts';
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
