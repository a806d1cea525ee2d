/** Traces: what a run of a scenario shows from outside, the targets that run one, and the comparison of two traces. */
export { completedSteps, differences, type TraceDifference } from './differences.ts';
export { NotRunnable } from './not-runnable.ts';
export type { SearchTarget } from './search-target.ts';
export { TargetUnavailable } from './target-unavailable.ts';
export type { Target } from './target.ts';
export * from './trace.ts';
