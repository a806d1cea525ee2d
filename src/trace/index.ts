/** What a run of a scenario shows from outside, what a target is, and how two traces differ. */
export { differences, wholeSteps, type TraceDifference } from './differences.ts';
export { NotRunnable } from './not-runnable.ts';
export type { SearchTarget } from './search-target.ts';
export { TargetUnavailable } from './target-unavailable.ts';
export type { Target } from './target.ts';
export * from './trace.ts';
