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

/**
 * How a patch changes one cause for which an invariant breaks, over all cases. A side stops when it dies or
 * refuses a device.
 */
export type CauseStatus =
  /** Cases of the base show the cause, no case of the patched side does. */
  | 'fixed'
  /** Cases of the patched side show the cause, no case of the base does. */
  | 'broken'
  /** Only the patched side shows the cause, in the step in which the base stops: one failure replaces another. */
  | 'swapped'
  /** Only the patched side shows the cause, in steps after the base stops: the base might show it there, too. */
  | 'uncovered'
  /** Both sides show the cause, and the patched side also in cases in which the base does not. */
  | 'worse'
  /** Both sides show the cause, and the base also in cases in which the patched side does not. */
  | 'better'
  /** Both sides show the cause, and the patch fixes it in no case. */
  | 'still broken'
  /** The base shows the cause; the patched side stops earlier in every such case. */
  | 'hidden';

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
  /** The smallest case in which the sides differ; undefined for `still broken` and `hidden`. */
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
}

/** What a patch fixes, breaks and costs. */
export interface Verdict {
  readonly sides: Sides<SideName>;
  readonly seed: string;
  /** Number of generated cases that the user asked for. */
  readonly runs: number;
  /** Number of cases run, the stored ones included. */
  readonly cases: number;
  readonly interrupted: boolean;
  /** In the order of `INVARIANTS`. */
  readonly invariants: readonly InvariantVerdict[];
  readonly outcomes: ReadonlyMap<OutcomePair, number>;
  readonly cost: Cost;
  /** The real devices: one entry for each device and host. */
  readonly devices: readonly DeviceCost[];
  /** Whether the patch breaks something: a cause is broken, swapped or worse, warnings apart. */
  readonly breaks: boolean;
}

/** The two sides to compare, and how far. */
export interface ValidateOptions {
  readonly sides: Sides<SideName & { readonly run: RunScenario }>;
  /** Stops a stretch of runs in which a side never returns. */
  readonly guard?: RunSides['guard'];
  /** Cases that run before the generated ones. */
  readonly stored: readonly Scenario[];
  readonly scenarios: fc.Arbitrary<Scenario>;
  /** Real devices to measure the cost on. */
  readonly devices: readonly DeviceSpec[];
  /** The IOMMU types that both sides support. */
  readonly iommus: readonly Scenario['host']['iommu']['type'][];
  /** Any text; the same text gives the same cases. */
  readonly seed: string;
  /** Number of generated cases. */
  readonly runs: number;
  /** Called with a line of text about the current work. */
  readonly onProgress?: (line: string) => void;
  /** Ends the comparison early; the verdict is about the cases until then. */
  readonly signal?: AbortSignal;
}

/** The statuses that are shown with a counterexample, and how the sides differ in it. */
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
 * Runs the same scenarios on a base and on the patched side, and judges what the patch fixes, breaks and costs.
 *
 * @throws FaultyRun when a rule of a patch throws or returns a value that is not allowed.
 * @throws Unrepeatable when a case gives another result when it is run again.
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
    const smallest = await shrinkDifference(scenario, kept, run, scenarios, signal);
    if (smallest !== undefined) shown.set(fingerprint, smallest);
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

/** The status of a cause, from the cases that show it. */
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
