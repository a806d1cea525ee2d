/** A QEMU source tree, a patch on it, and the QEMUs that are built of the two. */
export { DEFAULT_TARGETS } from './build-target.ts';
export { buildBase, buildSides } from './build-sides.ts';
export { coverageOf, runsThrough, type FunctionCoverage } from './function-coverage.ts';
export { isNeverBuilt } from './never-built.ts';
export { probeBuild } from './probe-build.ts';
export { ReachedPlaces } from './reached.ts';
export { filesOf, isSeries, readSeries, type Series } from './series.ts';
export type { BuiltSides, SourceChange } from './base-folder.ts';
export { Stages } from './stages.ts';
export { openTreeCache, type CachedBase, type TreeCache } from './tree-cache.ts';
export { TreeFailure } from './tree-error.ts';
export { openUserTree, type Commit, type UserTree } from './user-tree.ts';
