import type { Stability } from '../campaign/index.ts';
import {
  FingerprintMap,
  findInvariant,
  isError,
  namingOrder,
  fingerprintText,
  sameFingerprint,
  type Fingerprint,
} from '../invariants/index.ts';
import type { CauseTally } from './compare.ts';
import { compareOn, type Difference } from './difference.ts';
import { smallestCase, type RepeatOptions } from './smallest-case.ts';
import { repeatDifference, type Counterexample, type Kept } from './shrink-difference.ts';
import { isMostlyNew, statusOf, type CauseStatus } from './status.ts';

/** What a patch does to the cases of a finding. */
export type Effect = 'breaks' | 'mends' | 'uncovers';

/** One difference between the sides: the smallest scenario that shows it, and all causes that this scenario shows. */
export interface VerdictFinding extends Fingerprint {
  readonly effect: Effect;
  /** Warnings count for no verdict. */
  readonly severity: 'error' | 'warning';
  /** Other causes that the same scenario breaks, mends or uncovers: most likely the same fault. */
  readonly also: readonly Fingerprint[];
  readonly counterexample: Counterexample;
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

const EFFECTS: Partial<Record<Difference, Effect>> = {
  fixed: 'mends',
  broken: 'breaks',
  swapped: 'breaks',
  uncovered: 'uncovers',
};

/** What a search for the smallest cases needs. */
export interface FindingOptions extends RepeatOptions {
  readonly onProgress?: ((line: string) => void) | undefined;
}

/** The findings of a comparison, and the smallest case of each cause that differs. */
export interface ShownFindings {
  readonly findings: readonly VerdictFinding[];
  readonly shown: FingerprintMap<Counterexample>;
  /** The causes whose difference does not show in most repetitions: it depends on timing, and counts for nothing. */
  readonly flaky: FingerprintMap<Stability>;
}

/**
 * Shrinks a case of every cause that differs between the sides. A cause that a smallest case of the same effect
 * already shows is no finding of its own.
 *
 * @throws Unrepeatable when a case gives another result when it is run again, unless runs are repeated.
 */
export async function findingsOf(
  causes: FingerprintMap<CauseTally>,
  options: FindingOptions,
): Promise<ShownFindings> {
  const findings: (VerdictFinding & { also: Fingerprint[] })[] = [];
  const shown = new FingerprintMap<Counterexample>();
  const flaky = new FingerprintMap<Stability>();
  const tallies = inOrder(causes.values()).filter((tally) => SHOWN_BY[statusOf(tally)] !== undefined);
  for (const [index, tally] of tallies.entries()) {
    const difference = SHOWN_BY[statusOf(tally)]!;
    const cases = tally.first[difference] ?? [];
    if (cases.length === 0) continue;
    const { invariant, cause } = tally;
    const effect = EFFECTS[difference]!;
    const together = findings
      .filter((finding) => finding.effect === effect)
      .map((finding) => ({ finding, counterexample: alsoShown(tally, finding) }))
      .find(({ counterexample }) => counterexample !== undefined);
    if (together !== undefined) {
      together.finding.also.push({ invariant, cause });
      shown.set(tally, together.counterexample!);
      continue;
    }
    options.onProgress?.(`shrinking ${index + 1}/${tallies.length}: ${fingerprintText(tally)}`);
    const kept: Kept = { invariant: findInvariant(invariant), fingerprint: { invariant, cause }, difference };
    const found = await smallestCase(cases, kept, options);
    if (found === undefined) continue;
    if (!found.repeats) {
      flaky.set(tally, found.stability);
      continue;
    }
    const { counterexample } = found;
    shown.set(tally, counterexample);
    const { severity } = findInvariant(invariant);
    findings.push({ invariant, cause, effect, severity, also: [], counterexample });
  }
  for (const tally of causes.values()) {
    const stability = await stabilityOfHidden(tally, options);
    if (stability !== undefined) flaky.set(tally, stability);
  }
  return { findings, shown, flaky };
}

/**
 * Repeats the cases in which a cause is hidden: where the patched VMM ends early in less than half of the runs, chance hid
 * the cause, and not the patch.
 *
 * @returns how often the cause was hidden at most; nothing for a cause that the patch hides, or that is not hidden.
 */
async function stabilityOfHidden(
  tally: CauseTally,
  { run, signal, repetitions }: FindingOptions,
): Promise<Stability | undefined> {
  if (repetitions === undefined || statusOf(tally) !== 'hidden') return undefined;
  const { invariant, cause } = tally;
  const kept: Kept = {
    invariant: findInvariant(invariant),
    fingerprint: { invariant, cause },
    difference: 'hidden',
  };
  let best: Stability | undefined;
  for (const scenario of tally.first.hidden ?? []) {
    const found = await repeatDifference(scenario, kept, { run, signal, repetitions });
    if (2 * found.shown >= found.of) return undefined;
    if (best === undefined || found.shown > best.shown) best = found;
  }
  return best;
}

/**
 * Errors before warnings, and of each a cause that is mostly new before one that the base shows as often: a finding is
 * named by its first cause, and a cause that is new says more about the patch than one case more of an old cause. Among
 * equals RAM comes before other things, and flash last.
 */
export const inOrder = (tallies: readonly CauseTally[]): readonly CauseTally[] =>
  tallies.toSorted(
    (a, b) =>
      Number(isError(b)) - Number(isError(a)) ||
      Number(isMostlyNew(b)) - Number(isMostlyNew(a)) ||
      namingOrder(a) - namingOrder(b),
  );

/** The smallest case of `finding` as a case of `cause`, if the case shows the cause with the same effect. */
function alsoShown(
  cause: Fingerprint,
  { effect, counterexample }: VerdictFinding,
): Counterexample | undefined {
  const { differences } = compareOn(findInvariant(cause.invariant), counterexample.traces);
  const found = differences.find(
    ({ fingerprint, difference }) => sameFingerprint(fingerprint, cause) && EFFECTS[difference] === effect,
  );
  return found && { ...counterexample, difference: found.difference, violations: found.violations };
}
