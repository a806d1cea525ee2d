/** Traces made by hand, for the tests of the invariants. */
export * from './accesses.ts';
export * from './devices.ts';
export * from './events.ts';
export * from './judge.ts';
export * from './mappings.ts';
export * from './regions.ts';
export * from './traces.ts';
