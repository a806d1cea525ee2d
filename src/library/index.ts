/** What a program that imports barproof calls: read a scenario, expect that it holds, declare an invariant. */
export { defineInvariant, isOwnInvariant, type InvariantDefinition } from './define-invariant.ts';
export { InvariantBroken, expectHolds, type ExpectOptions } from './expect-holds.ts';
export { readScenario } from './read-scenario.ts';
