import * as fc from 'fast-check';
import { scenarios, simplifyScenario } from '../../generators/index.ts';
import { deriveSeed } from '../../src/campaign/index.ts';
import { FingerprintSet, violationsOf, type Fingerprint } from '../../src/invariants/index.ts';
import type { Scenario } from '../../src/scenario/index.ts';
import { runOnModel } from '../../src/model/index.ts';
import type { Revision } from '../../src/vfio/index.ts';
import type { KnownBug } from './bugs.ts';

/** Where a search met a bug first. */
export interface BugSighting {
  /** How many cases it took, from 1. */
  readonly cases: number;
  /** Invariant and cause; of several in the same case the first. */
  readonly fingerprint: Fingerprint;
  readonly scenario: Scenario;
}

/** What breaks when `scenario` runs on `revision`. */
export const fingerprintsOf = (scenario: Scenario, revision: Revision): FingerprintSet =>
  new FingerprintSet(violationsOf(runOnModel(scenario, revision)));

/** Cases are generated in batches: most bugs need few, some need many. */
const BATCHES = [250, 2_500, 20_000] as const;

/**
 * The generated cases of one seed, and what they show on the revisions without bugs. Bugs share both:
 * what a seed gives does not depend on the bug that is looked for.
 */
export class Cases {
  readonly #seed: number;
  readonly #generated = new Map<string, readonly Scenario[]>();
  readonly #shown = new Map<string, FingerprintSet[]>();

  constructor(seed: string) {
    this.#seed = deriveSeed(seed, 'known bugs');
  }

  /** The first `count` cases for what `revision` can drive; 20,000 at most. */
  *take(count: number, { iommus }: Revision): Generator<Scenario> {
    const key = iommus.join(' ');
    for (let index = 0; index < count; index++) {
      let generated = this.#generated.get(key) ?? [];
      if (index >= generated.length) {
        const numRuns = BATCHES.find((size) => size > index);
        if (numRuns === undefined) return;
        generated = fc.sample(scenarios({ iommuTypes: iommus }), { seed: this.#seed, numRuns });
        this.#generated.set(key, generated);
      }
      yield generated[index]!;
    }
  }

  /** What case `index` of `revision`, which is `scenario`, shows on it. */
  shownBy(index: number, scenario: Scenario, revision: Revision): FingerprintSet {
    let shown = this.#shown.get(revision.id);
    if (shown === undefined) this.#shown.set(revision.id, (shown = []));
    return (shown[index] ??= fingerprintsOf(scenario, revision));
  }
}

/**
 * Looks for a bug by search alone: for a case that breaks an invariant in a way in which the base
 * breaks it neither in any case so far, nor anywhere that is known.
 *
 * @param known fingerprints that the base is known for.
 */
export function hunt(
  { base, patched }: KnownBug,
  cases: Cases,
  most: number,
  known: FingerprintSet,
): BugSighting | undefined {
  const seen = new FingerprintSet(known);
  let index = 0;
  for (const scenario of cases.take(most, base)) {
    for (const shown of cases.shownBy(index, scenario, base)) seen.add(shown);
    const fresh = [...fingerprintsOf(scenario, patched)].find((shown) => !seen.has(shown));
    index++;
    if (fresh !== undefined) return { cases: index, fingerprint: fresh, scenario };
  }
  return undefined;
}

/** The smallest scenario that can be found from here which shows the same on the bug's side alone. */
export function shrink({ base, patched }: KnownBug, { fingerprint, scenario }: BugSighting): Scenario {
  const shows = (candidate: Scenario): boolean =>
    fingerprintsOf(candidate, patched).has(fingerprint) && !fingerprintsOf(candidate, base).has(fingerprint);
  for (let smallest = scenario; ;) {
    let smaller: Scenario | undefined;
    for (const candidate of simplifyScenario(smallest)) {
      if (!shows(candidate)) continue;
      smaller = candidate;
      break;
    }
    if (smaller === undefined) return smallest;
    smallest = smaller;
  }
}

/** Everything that the first `count` cases show of the bug and not of its base. */
export function flagged(
  { base, patched }: KnownBug,
  cases: Cases,
  count: number,
  known: FingerprintSet,
): FingerprintSet {
  const onBase = new FingerprintSet(known);
  const onPatched = new FingerprintSet();
  let index = 0;
  for (const scenario of cases.take(count, base)) {
    for (const shown of cases.shownBy(index, scenario, base)) onBase.add(shown);
    for (const shown of fingerprintsOf(scenario, patched)) onPatched.add(shown);
    index++;
  }
  return new FingerprintSet([...onPatched].filter((fingerprint) => !onBase.has(fingerprint)));
}
