/** Traces: what a run of a scenario shows from outside, the targets that run one, and the comparison of two traces. */
export {
  StateChange,
  ViewChange,
  rangesOf,
  partsIn,
  type ContainerChange,
  type DeviceChange,
  type ListChange,
  type ViewPart,
} from './change.ts';
export { changeOf, compareStates, type KnownParts } from './compare-states.ts';
export { completedSteps, differences, type TraceDifference } from './differences.ts';
export { comparableError } from './error-text.ts';
export { NotRunnable } from './not-runnable.ts';
export type { SearchTarget } from './search-target.ts';
export { TargetUnavailable } from './target-unavailable.ts';
export type { Target } from './target.ts';
export * from './state.ts';
export * from './trace.ts';
