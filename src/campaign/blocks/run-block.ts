import { examineAll, type Invariant, type Violation } from '../../invariants/index.ts';
import type { Scenario } from '../../scenario/index.ts';
import type { Trace } from '../../trace/index.ts';
import { runIfPossible, TargetFailed } from '../run-if-possible.ts';
import type { RunScenario } from '../run-scenario.ts';
import { behavioursOf } from './behaviour.ts';
import { discoveryOf, nameIn, type Discovery } from './discovery.ts';
import { Tallying, type Tally } from './tally.ts';

/** The cases of a block, in order. */
export interface BlockCases {
  /** The next case; `undefined` behind the last one. */
  next(): Scenario | undefined;
  /** Told after each case whether the case showed a behaviour that no case of the block showed before. */
  learn?(scenario: Scenario, isNew: boolean): void;
}

/** What judges a scenario. */
export interface Judging {
  readonly run: RunScenario;
  readonly invariants: readonly Invariant[];
  /** The file of the known finding that explains a violation, or `undefined`. */
  readonly forgiven: (violation: Violation, trace: Trace) => string | undefined;
}

/** What runs and judges the cases of a block. */
export interface BlockOptions extends Judging {
  /** The number of the block in its campaign, from 0. */
  readonly number: number;
  readonly cases: BlockCases;
  /** The kinds of scenario to which a case belongs. */
  readonly classify: (scenario: Scenario) => readonly string[];
  /** Called for the first case of each discovery, before the next case runs. */
  readonly onDiscovery?: (discovery: Discovery) => void;
  /** Ends the block after the current case. */
  readonly signal?: AbortSignal | undefined;
}

/** A scenario with behaviours that no earlier case of its block showed. */
export interface KeptScenario {
  readonly scenario: Scenario;
  readonly behaviours: readonly string[];
}

/** The result of a block. It can be sent to another thread. */
export interface BlockResult {
  readonly number: number;
  /** Whether all cases of the block ran. */
  readonly isComplete: boolean;
  readonly tally: Tally;
  /** In the order of their cases. */
  readonly discoveries: readonly Discovery[];
  /** In the order of their cases; empty where the cases do not learn. */
  readonly kept: readonly KeptScenario[];
}

/** After so many cases the event loop gets its turn, so that a signal can end the block. */
const CASES_AT_A_TIME = 50;

/**
 * Runs the cases of a block. The result depends on nothing but the cases, unless a signal ends the block.
 *
 * @throws TargetFailed with what the target throws, except `NotRunnable`, which is counted.
 */
export async function runBlock(options: BlockOptions): Promise<BlockResult> {
  const { number, cases, run, signal } = options;
  const judge = new BlockJudge(options);
  for (let scenario = cases.next(); scenario !== undefined; scenario = cases.next()) {
    if (signal?.aborted) return judge.result(number, false);
    const result = await runIfPossible(run, scenario);
    if (result.kind === 'failed') throw new TargetFailed(result.scenario, result.error);
    if (result.kind === 'interrupted') return judge.result(number, false);
    const behaviours = result.kind === 'run' ? judge.look(result.trace) : judge.passOver(result.reason);
    if (cases.learn !== undefined) {
      if (behaviours.length > 0) judge.kept.push({ scenario, behaviours });
      cases.learn(scenario, behaviours.length > 0);
    }
    if (judge.tally.cases % CASES_AT_A_TIME === 0) await new Promise(setImmediate);
  }
  return judge.result(number, true);
}

/** Judges the runs of a block, and counts them. */
class BlockJudge {
  readonly tally = new Tallying();
  readonly kept: KeptScenario[] = [];
  readonly #options: BlockOptions;
  readonly #found = new Map<string, Discovery>();

  constructor(options: BlockOptions) {
    this.#options = options;
  }

  /** Counts a case that the target cannot run. @returns nothing: the case showed no behaviour. */
  passOver(reason: string): readonly string[] {
    this.tally.count('notRun', reason);
    this.tally.cases++;
    return [];
  }

  /** @returns the behaviours of the run that no run of the block showed before. */
  look(trace: Trace): readonly string[] {
    const { invariants, forgiven, classify } = this.#options;
    const { tally } = this;
    const violations: Violation[] = [];
    const examinations = examineAll(trace, invariants);
    for (let index = 0; index < invariants.length; index++) {
      const examination = examinations[index]!;
      if (examination.exercised > 0) tally.count('exercised', invariants[index]!.id);
      violations.push(...examination.violations);
    }
    tally.count('outcomes', trace.outcome);
    for (const name of classify(trace.scenario)) tally.count('classes', name);
    tally.count('pageSizes', pagesText(trace));
    for (const reason of skipReasonsOf(trace)) tally.count('skips', reason);
    const names = new Set<string>();
    const known = new Set<string>();
    for (const violation of violations) {
      const file = forgiven(violation, trace);
      if (file === undefined) this.#note(violation, trace, names);
      else known.add(file);
    }
    for (const file of known) tally.count('known', file);
    tally.cases++;
    const fresh: string[] = [];
    for (const behaviour of behavioursOf(trace, violations)) {
      if (!tally.by.behaviours.has(behaviour)) fresh.push(behaviour);
      tally.count('behaviours', behaviour);
    }
    return fresh;
  }

  /** @param names the discoveries that this run has shown already. */
  #note(violation: Violation, trace: Trace, names: Set<string>): void {
    const { number: block, onDiscovery } = this.#options;
    const name = nameIn(trace, violation);
    if (names.has(name)) return;
    names.add(name);
    this.tally.count('found', name);
    if (this.#found.has(name)) return;
    const discovery = discoveryOf(violation, trace, { block, case: this.tally.cases, isNearMiss: false });
    this.#found.set(name, discovery);
    onDiscovery?.(discovery);
  }

  result(number: number, isComplete: boolean): BlockResult {
    return {
      number,
      isComplete,
      tally: this.tally.plain(),
      discoveries: [...this.#found.values()],
      kept: this.kept,
    };
  }
}

/** The pages of a run: `host 64 KiB, IOMMU 4 KiB, guest 4 KiB`. */
const pagesText = ({ pages: { host, iommu, guest } }: Trace): string =>
  `host ${kib(host)}, IOMMU ${kib(iommu)}, guest ${kib(guest)}`;

const kib = (size: bigint): string => (size % 1024n === 0n ? `${size / 1024n} KiB` : `${size} bytes`);

function skipReasonsOf(trace: Trace): ReadonlySet<string> {
  const reasons = new Set<string>();
  for (const { events } of trace.steps) {
    for (const event of events) if (event.type === 'skip') reasons.add(event.reason);
  }
  return reasons;
}
