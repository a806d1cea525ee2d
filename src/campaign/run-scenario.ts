import type { Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';

/** Runs a scenario: the model returns the trace, a real VMM a promise of it. */
export type RunScenario = (scenario: Scenario) => Trace | Promise<Trace>;
