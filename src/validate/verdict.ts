import type * as fc from 'fast-check';
import { deriveSeed, type RunScenario } from '../campaign/index.ts';
import {
  COMMON_INVARIANTS,
  FingerprintMap,
  findInvariant,
  fingerprintText,
  type Invariant,
  type InvariantId,
} from '../invariants/index.ts';
import type { DeviceSpec, Scenario } from '../scenario/index.ts';
import { compare, type CauseTally, type Comparison, type OutcomePair } from './compare.ts';
import type { Cost } from './cost.ts';
import type { Difference, Sides } from './difference.ts';
import { costOfDevices, type DeviceCost } from './device-cost.ts';
import type { RunSides } from './run-both.ts';
import { shrinkDifference, type Counterexample } from './shrink-difference.ts';

/** What becomes of one way for an invariant to break. */
export type CauseStatus =
  /** The base shows it, the patched side nowhere. */
  | 'fixed'
  /** The patched side shows it, the base nowhere. */
  | 'broken'
  /** The patched side shows it, and only just where the base gives up: one failure takes the place of another. */
  | 'swapped'
  /** The patched side shows it, and only behind where the base gives up: the patch may not be to blame. */
  | 'uncovered'
  /** Both show it, and the patched side also where the base does not. */
  | 'worse'
  /** Both show it, and the base also where the patched side does not. */
  | 'better'
  | 'still broken'
  /** The base shows it, and the patched side gives up before it gets there. */
  | 'hidden';

/** What becomes of an invariant. */
export type InvariantStatus =
  /** No case breaks it, on neither side. */
  | 'held'
  | 'fixed'
  | 'broken'
  | 'still broken'
  /** On one side at least, no case says anything about it, or none that the base comes to the end of. */
  | 'not comparable';

/** One way for an invariant to break, and in how many cases it does. */
export interface CauseVerdict {
  readonly cause: string;
  readonly status: CauseStatus;
  readonly cases: Readonly<Record<Difference, number>>;
  /** The smallest case that tells the two sides apart; for `still broken` and `hidden` there is none. */
  readonly counterexample: Counterexample | undefined;
}

/** What becomes of one invariant. */
export interface InvariantVerdict {
  readonly invariant: InvariantId;
  readonly severity: Invariant['severity'];
  readonly status: InvariantStatus;
  /** In how many cases each side has something to say about it. */
  readonly exercised: Sides<number>;
  readonly causes: readonly CauseVerdict[];
}

/** One side of a verdict, as it is called. */
export interface SideName {
  readonly id: string;
  readonly title: string;
}

/** What a patch fixes, breaks and costs. */
export interface Verdict {
  readonly sides: Sides<SideName>;
  readonly seed: string;
  /** How many cases were asked for, beside those stored. */
  readonly runs: number;
  /** How many were run, those stored included. */
  readonly cases: number;
  readonly interrupted: boolean;
  /** In the order of the design. */
  readonly invariants: readonly InvariantVerdict[];
  readonly outcomes: ReadonlyMap<OutcomePair, number>;
  readonly cost: Cost;
  /** The real devices, one entry a device and host. */
  readonly devices: readonly DeviceCost[];
  /** Whether anything is broken, swapped or worse, warnings apart. */
  readonly breaks: boolean;
}

/** What a verdict is made from. */
export interface ValidateOptions {
  readonly sides: Sides<SideName & { readonly run: RunScenario }>;
  /** Stops a stretch of runs in which a side never comes back. */
  readonly guard?: RunSides['guard'];
  /** Cases that come before the generated ones. */
  readonly stored: readonly Scenario[];
  readonly scenarios: fc.Arbitrary<Scenario>;
  /** Devices to measure the cost on, and the kinds of container that both sides have. */
  readonly devices: readonly DeviceSpec[];
  readonly iommus: readonly Scenario['host']['iommu']['type'][];
  /** Any text; the same one gives the same cases. */
  readonly seed: string;
  readonly runs: number;
  readonly onProgress?: (doing: string) => void;
  readonly signal?: AbortSignal;
}

/** Statuses that come with a case of their own, and what that case has to show. */
const SHOWN_BY: Partial<Record<CauseStatus, Difference>> = {
  fixed: 'fixed',
  better: 'fixed',
  broken: 'broken',
  worse: 'broken',
  swapped: 'swapped',
  uncovered: 'uncovered',
};
const BREAKING: readonly CauseStatus[] = ['broken', 'worse', 'swapped'];

/**
 * Runs the same scenarios on a base and on something proposed for it, and says what that fixes, breaks
 * and costs.
 *
 * @throws FaultyRun, Unrepeatable when the patch does what no patch may do.
 */
export async function validate(options: ValidateOptions): Promise<Verdict> {
  const { sides, stored, scenarios, seed, runs, signal, onProgress } = options;
  const run: RunSides = {
    base: sides.base.run,
    patched: sides.patched.run,
    ...(options.guard && { guard: options.guard }),
  };
  const comparison = await compare({
    run,
    invariants: COMMON_INVARIANTS,
    stored,
    scenarios,
    seed: deriveSeed(seed, `validate ${sides.base.id}`),
    runs,
    onProgress: (cases) => onProgress?.(`${cases} of ${stored.length + runs} cases`),
    ...(signal && { signal }),
  });
  const shown = new FingerprintMap<Counterexample>();
  for (const [fingerprint, tally] of comparison.causes) {
    const difference = SHOWN_BY[statusOf(tally)];
    const scenario = difference && tally.first[difference];
    if (difference === undefined || scenario === undefined) continue;
    onProgress?.(`shrinking ${fingerprintText(fingerprint)}`);
    const kept = { invariant: findInvariant(tally.invariant), fingerprint, difference };
    shown.set(fingerprint, await shrinkDifference(scenario, kept, run, scenarios, signal));
  }
  onProgress?.('measuring the cost on real devices');
  const invariants = COMMON_INVARIANTS.map((invariant) => judge(invariant, comparison, shown));
  return {
    sides: { base: nameOf(sides.base), patched: nameOf(sides.patched) },
    seed,
    runs,
    cases: comparison.cases,
    interrupted: signal?.aborted ?? false,
    invariants,
    outcomes: comparison.outcomes,
    cost: comparison.cost,
    devices: await costOfDevices(options.devices, options.iommus, run, sides.base.id),
    breaks: invariants.some(
      ({ severity, causes }) =>
        severity === 'error' && causes.some(({ status }) => BREAKING.includes(status)),
    ),
  };
}

const nameOf = ({ id, title }: SideName): SideName => ({ id, title });

/** What the cases that show a cause come to. */
export function statusOf({
  cases: { both, fixed, hidden, broken, swapped, uncovered },
}: CauseTally): CauseStatus {
  const base = both + fixed + hidden;
  const patched = both + broken + swapped + uncovered;
  if (base === 0) return broken > 0 ? 'broken' : swapped > 0 ? 'swapped' : 'uncovered';
  if (broken > 0) return 'worse';
  if (patched === 0) return fixed > 0 ? 'fixed' : 'hidden';
  return fixed > 0 ? 'better' : 'still broken';
}

function judge(
  { id, severity }: Invariant,
  { causes: tallies, exercised }: Comparison,
  shown: FingerprintMap<Counterexample>,
): InvariantVerdict {
  const own = tallies.values().filter(({ invariant }) => invariant === id);
  const causes = own.map((tally): CauseVerdict => ({
    cause: tally.cause,
    status: statusOf(tally),
    cases: tally.cases,
    counterexample: shown.get(tally),
  }));
  const counts = exercised.get(id)!;
  return { invariant: id, severity, status: statusOfInvariant(causes, counts), exercised: counts, causes };
}

function statusOfInvariant(causes: readonly CauseVerdict[], exercised: Sides<number>): InvariantStatus {
  const broken = (kinds: readonly Difference[]): boolean =>
    causes.some(({ cases }) => kinds.some((kind) => cases[kind] > 0));
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
