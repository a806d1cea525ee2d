import type * as fc from 'fast-check';
import { deriveSeed, type RunScenario, type Stability } from '../campaign/index.ts';
import { COMMON_INVARIANTS, isError, type Invariant, type InvariantId } from '../invariants/index.ts';
import { InvalidInput } from '../input/index.ts';
import type { DeviceSpec, Scenario } from '../scenario/index.ts';
import { compare, type CompareOptions, type Comparison, type OutcomePair, type Patience } from './compare.ts';
import type { Cost } from './cost.ts';
import type { Difference, Sides } from './difference.ts';
import { costOfDevices, type DeviceCost, type SupportedHosts } from './device-cost.ts';
import type { RuleUse } from './guard.ts';
import type { PatchOnTree } from './patch-on-tree.ts';
import type { RunSides } from './run-both.ts';
import type { RequestKind } from './requests.ts';
import type { Counterexample } from './shrink-difference.ts';
import { statusOf, type CauseStatus } from './status.ts';
import { TryBudget } from './try-budget.ts';
import { findingsOf, type ShownFindings, type VerdictFinding } from './verdict-findings.ts';

/** How a patch changes whether an invariant holds. */
export type InvariantStatus =
  /** No case breaks the invariant on either side. */
  | 'held'
  | 'fixed'
  | 'broken'
  | 'still broken'
  /** On one side the invariant applies to no case, or the cases in which the sides differ cannot be compared. */
  | 'not comparable';

/** One cause for which an invariant breaks, and in how many cases it does. */
export interface CauseVerdict {
  readonly cause: string;
  readonly status: CauseStatus;
  readonly cases: Readonly<Record<Difference, number>>;
  /**
   * Set where the cases in which the sides differ do not show the difference in most repetitions: it depends on timing,
   * and counts for nothing.
   */
  readonly flaky?: Stability;
  /** The smallest case in which the sides differ; undefined for `still broken` and `hidden`, and for a flaky one. */
  readonly counterexample: Counterexample | undefined;
}

/** How a patch changes one invariant and its causes. */
export interface InvariantVerdict {
  readonly invariant: InvariantId;
  readonly severity: Invariant['severity'];
  readonly status: InvariantStatus;
  /** Number of cases to which the invariant applies on each side. */
  readonly exercised: Sides<number>;
  readonly causes: readonly CauseVerdict[];
}

/** The name of one side of a verdict. */
export interface SideName {
  /** Id of a revision, or the path of a QEMU as the user gave it. */
  readonly id: string;
  readonly title: string;
  /** The version of a real VMM, with its package; absent for a revision. */
  readonly version?: string;
}

/** What a patch fixes, breaks and costs. */
export interface Verdict {
  readonly sides: Sides<SideName>;
  readonly seed: string;
  /** Number of generated cases that the user asked for, or that sufficed. */
  readonly runs: number;
  /** Number of cases run, the stored ones included. */
  readonly cases: number;
  readonly interrupted: boolean;
  /** In the order of `INVARIANTS`. */
  readonly invariants: readonly InvariantVerdict[];
  /** The differences between the sides, one for each smallest scenario; errors first. */
  readonly findings: readonly VerdictFinding[];
  /** The kinds of request that the host grants the base in some case, and the patched side in none. */
  readonly unreached: readonly RequestKind[];
  /** Number of cases that a side could not run, by the reason. */
  readonly notRun: ReadonlyMap<string, number>;
  readonly outcomes: ReadonlyMap<OutcomePair, number>;
  readonly cost: Cost;
  /** The real devices: one entry for each device and host. */
  readonly devices: readonly DeviceCost[];
  /** The patch, where the sides were built of a source tree for this verdict. */
  readonly tree?: PatchOnTree;
  /** How the cases used the rules of a patch of the model. */
  readonly rules?: readonly RuleUse[];
  /** Whether the patch breaks something: a cause is broken, swapped or worse, warnings apart. */
  readonly breaks: boolean;
}

/** The two sides to compare, and how far. */
export interface ValidateOptions extends SupportedHosts {
  readonly sides: Sides<SideName & { readonly run: RunScenario }>;
  /** Runs a scenario on both sides at once; see `RunSides`. */
  readonly both?: RunSides['both'];
  /** Stops a stretch of runs in which a side never returns. */
  readonly guard?: RunSides['guard'];
  /** Cases that run before the generated ones. */
  readonly stored: readonly Scenario[];
  readonly scenarios: fc.Arbitrary<Scenario>;
  /** The lists to generate in place of single scenarios; see `CompareOptions`. */
  readonly draws?: CompareOptions['draws'];
  /** Chooses cases beyond those asked for; see `CompareOptions`. */
  readonly further?: CompareOptions['further'];
  /** Real devices to measure the cost on. */
  readonly devices: readonly DeviceSpec[];
  /** Any text; the same text gives the same cases. */
  readonly seed: string;
  /** Number of generated cases; the largest number if `patience` ends the comparison earlier. */
  readonly runs: number;
  readonly patience?: Patience;
  /** Whether a side that starts no machine gets no verdict, as with a QEMU that does not work. */
  readonly mustStart?: true;
  /** How often the case of a finding is run, where runs depend on timing; see `RepeatOptions`. */
  readonly repetitions?: number;
  /** How many smaller cases are tried for all findings together; all when left out. */
  readonly tries?: number;
  /** How many cases run at a time on sides that return promises; 1 when left out. */
  readonly lanes?: number;
  /** Called with a line of text about the current work. */
  readonly onProgress?: (line: string) => void;
  /** Ends the comparison early; the verdict is about the cases until then. */
  readonly signal?: AbortSignal;
}

const BREAKING: readonly CauseStatus[] = ['broken', 'worse', 'swapped'];

/**
 * Runs the same scenarios on a base and on the patched side, and judges what the patch fixes, breaks and costs.
 *
 * @throws FaultyRun when a rule of a patch throws or returns a value that is not allowed.
 * @throws Unrepeatable when a case gives another result when it is run again, unless there are `repetitions`.
 * @throws InvalidInput when no case ran, or a side starts in no case: such a verdict would say nothing.
 */
export async function validate(options: ValidateOptions): Promise<Verdict> {
  const { sides, stored, scenarios, seed, runs, patience, lanes, signal, onProgress } = options;
  const run: RunSides = {
    base: sides.base.run,
    patched: sides.patched.run,
    ...(options.both && { both: options.both }),
    ...(options.guard && { guard: options.guard }),
  };
  const comparison = await compare({
    run,
    invariants: COMMON_INVARIANTS,
    stored,
    scenarios,
    draws: options.draws,
    further: options.further,
    seed: deriveSeed(seed, `validate ${sides.base.id}`),
    runs,
    ...(patience && { patience }),
    lanes,
    onProgress: (cases) => {
      const asked = stored.length + runs;
      onProgress?.(cases > asked ? `${cases - asked} further cases` : `${cases} of ${asked} cases`);
    },
    ...(signal && { signal }),
  });
  refuseEmpty(comparison, options);
  const budget = new TryBudget(options.tries);
  const { repetitions } = options;
  const looking = { run, scenarios, signal, onProgress, repetitions, budget };
  const found = await findingsOf(comparison.causes, looking);
  onProgress?.('measuring the cost on real devices');
  const invariants = COMMON_INVARIANTS.map((invariant) => judge(invariant, comparison, found));
  return {
    sides: { base: nameOf(sides.base), patched: nameOf(sides.patched) },
    seed,
    runs: patience === undefined || signal?.aborted === true ? runs : comparison.cases - stored.length,
    cases: comparison.cases,
    interrupted: signal?.aborted ?? false,
    invariants,
    findings: found.findings,
    unreached: comparison.unreached,
    notRun: comparison.notRun,
    outcomes: comparison.outcomes,
    cost: comparison.cost,
    devices: await costOfDevices(options.devices, options, run, { revision: sides.base.id, lanes, signal }),
    breaks: invariants.some(
      ({ severity, causes }) =>
        severity === 'error' &&
        causes.some(({ status, flaky }) => BREAKING.includes(status) && flaky === undefined),
    ),
  };
}

/** @throws InvalidInput when the comparison says nothing about the patch. */
function refuseEmpty(comparison: Comparison, { sides, mustStart, signal }: ValidateOptions): void {
  const { cases, notRun, started, causes } = comparison;
  if (cases === 0) {
    if (signal?.aborted) throw noVerdict('no case ran before the interrupt');
    const [reason] = [...notRun].toSorted(([, a], [, b]) => b - a);
    throw noVerdict(`no case ran${reason === undefined ? '' : `; in ${reason[1]} cases: ${reason[0]}`}`);
  }
  const breaks = causes.values().some((tally) => isError(tally) && BREAKING.includes(statusOf(tally)));
  for (const side of ['base', 'patched'] as const) {
    if (started[side].cases > 0 || (side === 'patched' && breaks && mustStart !== true)) continue;
    const why = started[side].error === undefined ? '' : `: ${started[side].error}`;
    throw noVerdict(`${sides[side].id} starts in none of ${cases} cases${why}`);
  }
}

const noVerdict = (message: string): InvalidInput =>
  new InvalidInput([{ path: '', message: `${message}; there is no verdict` }]);

const nameOf = ({ id, title, version }: SideName): SideName => ({
  id,
  title,
  ...(version !== undefined && { version }),
});

function judge(
  { id, severity }: Invariant,
  { causes: tallies, exercised }: Comparison,
  { shown, flaky }: ShownFindings,
): InvariantVerdict {
  const own = tallies.values().filter(({ invariant }) => invariant === id);
  const causes = own.map((tally): CauseVerdict => ({
    cause: tally.cause,
    status: statusOf(tally),
    cases: tally.cases,
    ...(flaky.has(tally) && { flaky: flaky.get(tally)! }),
    counterexample: shown.get(tally),
  }));
  const counts = exercised.get(id)!;
  return { invariant: id, severity, status: statusOfInvariant(causes, counts), exercised: counts, causes };
}

function statusOfInvariant(causes: readonly CauseVerdict[], exercised: Sides<number>): InvariantStatus {
  const broken = (kinds: readonly Difference[]): boolean =>
    causes.some(({ cases, flaky }) => flaky === undefined && kinds.some((kind) => cases[kind] > 0));
  const before = broken(['both', 'fixed', 'hidden']);
  const after = broken(['both', 'broken', 'swapped', 'uncovered']);
  if (before && after) return 'still broken';
  if (broken(['broken', 'swapped'])) return 'broken';
  if (after) return 'not comparable';
  const silent = exercised.base === 0 || exercised.patched === 0;
  if (silent) return 'not comparable';
  if (!before) return 'held';
  return causes.some(({ status }) => status === 'fixed') ? 'fixed' : 'not comparable';
}
