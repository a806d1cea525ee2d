/** All scenarios of a small scope, numbered: what `barproof prove` runs. */
export { LARGE_PAGE, SMALL_PAGE } from './layouts.ts';
export { ProofScope, type ScopeBounds } from './scope.ts';
