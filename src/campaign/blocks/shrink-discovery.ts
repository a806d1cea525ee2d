import { violationsOf } from '../../invariants/index.ts';
import type { Scenario } from '../../scenario/index.ts';
import type { Trace } from '../../trace/index.ts';
import type { Stability } from '../finding.ts';
import { runIfPossible, TargetFailed } from '../run-if-possible.ts';
import { behavioursOf } from './behaviour.ts';
import { discoveryName, discoveryOf, nameIn, type Discovery } from './discovery.ts';
import type { Judging, KeptScenario } from './run-block.ts';

/** What shrinks a discovery. */
export interface ShrinkOptions extends Judging {
  /** The scenarios to try in place of one, best first; each is simpler by some measure. */
  readonly simplify: (scenario: Scenario) => Iterable<Scenario>;
  /** How many times the smallest case of a discovery runs again; 0 on the model, which does not depend on timing. */
  readonly repetitions: number;
  /** Ends shrinking after the current case; the smallest case so far is kept. */
  readonly signal?: AbortSignal | undefined;
}

/** A discovery with its smallest case. It can be sent to another thread. */
export interface ShrunkDiscovery {
  readonly discovery: Discovery;
  /** How many times a simpler case took the place of another. */
  readonly steps: number;
  /** Whether no simpler case shows the discovery; false if a signal ended shrinking. */
  readonly isSmallest: boolean;
  /** Other discoveries that simpler cases showed. Each has the number of the case that was shrunk. */
  readonly nearMisses: readonly Discovery[];
}

const CASES_AT_A_TIME = 50;

/**
 * Makes the case of a discovery simpler as long as the same invariant breaks for the same cause at the same place. A
 * simpler case that breaks an invariant otherwise is a near miss: it may be a fault of its own.
 *
 * @throws TargetFailed with what the target throws.
 */
export async function shrinkDiscovery(
  discovery: Discovery,
  options: ShrinkOptions,
): Promise<ShrunkDiscovery> {
  const { signal } = options;
  const name = discoveryName(discovery);
  const nearMisses = new Map<string, Discovery>();
  let smallest = discovery;
  const shows = async (scenario: Scenario): Promise<boolean> => {
    const found = await discoveriesIn(scenario, discovery, options);
    if (found === undefined) return false;
    for (const [other, miss] of found) {
      if (other !== name && !nearMisses.has(other)) nearMisses.set(other, miss);
    }
    const { isNearMiss } = discovery;
    const same = found.get(name);
    if (same !== undefined) smallest = { ...same, isNearMiss };
    return same !== undefined;
  };
  const { steps } = await simplest(discovery.scenario, shows, options);
  const stability = await repeat(smallest, options);
  return {
    discovery: stability === undefined ? smallest : { ...smallest, shown: { ...smallest.shown, stability } },
    steps,
    isSmallest: signal?.aborted !== true,
    nearMisses: [...nearMisses.values()],
  };
}

/** In how many repetitions of its case a discovery shows again; the signal ends them. */
async function repeat(discovery: Discovery, options: ShrinkOptions): Promise<Stability | undefined> {
  const name = discoveryName(discovery);
  let shown = 0;
  let of = 0;
  while (of < options.repetitions && options.signal?.aborted !== true) {
    const found = await discoveriesIn(discovery.scenario, discovery, options);
    if (found === undefined) break;
    of++;
    if (found.has(name)) shown++;
  }
  return of === 0 ? undefined : { shown, of };
}

/**
 * Makes the scenario of a behaviour simpler as long as a run shows all the behaviours.
 *
 * @throws TargetFailed with what the target throws.
 */
export async function shrinkKept(
  { scenario, behaviours }: KeptScenario,
  options: ShrinkOptions,
): Promise<Scenario> {
  const shows = async (candidate: Scenario): Promise<boolean> => {
    const trace = await traceOf(candidate, options);
    if (trace === undefined) return false;
    const shown = behavioursOf(trace, violationsOf(trace, options.invariants));
    return behaviours.every((behaviour) => shown.has(behaviour));
  };
  const { smallest } = await simplest(scenario, shows, options);
  return smallest;
}

/** The simplest scenario to which steps of simplification lead, each of which passes the test. */
async function simplest(
  scenario: Scenario,
  passes: (scenario: Scenario) => Promise<boolean>,
  { simplify, signal }: Pick<ShrinkOptions, 'simplify' | 'signal'>,
): Promise<{ readonly smallest: Scenario; readonly steps: number }> {
  let smallest = scenario;
  for (let steps = 0; ; steps++) {
    const simpler = await firstThat(passes, simplify(smallest), signal);
    if (simpler === undefined) return { smallest, steps };
    smallest = simpler;
  }
}

/** The first scenario that passes the test; `undefined` if none does, or if the signal comes. */
async function firstThat(
  passes: (scenario: Scenario) => Promise<boolean>,
  scenarios: Iterable<Scenario>,
  signal: AbortSignal | undefined,
): Promise<Scenario | undefined> {
  let tried = 0;
  for (const scenario of scenarios) {
    if (++tried % CASES_AT_A_TIME === 0) await new Promise(setImmediate);
    if (signal?.aborted) return undefined;
    if (await passes(scenario)) return scenario;
  }
  return undefined;
}

/** The discoveries that a scenario shows, by name, with the number of a case; `undefined` if it does not run to its end. */
async function discoveriesIn(
  scenario: Scenario,
  { block, case: number }: Discovery,
  judging: Judging,
): Promise<ReadonlyMap<string, Discovery> | undefined> {
  const trace = await traceOf(scenario, judging);
  if (trace === undefined) return undefined;
  const found = new Map<string, Discovery>();
  for (const violation of violationsOf(trace, judging.invariants)) {
    if (judging.forgiven(violation, trace) !== undefined) continue;
    const name = nameIn(trace, violation);
    if (!found.has(name))
      found.set(name, discoveryOf(violation, trace, { block, case: number, isNearMiss: true }));
  }
  return found;
}

/** The run of a scenario; `undefined` for one that the target cannot run, and after an interrupt. @throws TargetFailed */
async function traceOf(scenario: Scenario, { run }: Pick<Judging, 'run'>): Promise<Trace | undefined> {
  const result = await runIfPossible(run, scenario);
  if (result.kind === 'failed') throw new TargetFailed(result.scenario, result.error);
  return result.kind === 'run' ? result.trace : undefined;
}
