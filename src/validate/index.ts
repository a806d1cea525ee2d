/** Patches in TypeScript, and the verdict on them. */
export { PatchFault, RuleWatch } from './guard.ts';
export { definePatch, isPatch, type Change, type Patch, type PatchDefinition } from './patch.ts';
