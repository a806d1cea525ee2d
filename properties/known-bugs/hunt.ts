import * as fc from 'fast-check';
import { scenarios, simplifyScenario } from '../../generators/index.ts';
import { deriveSeed } from '../../src/campaign/index.ts';
import { FingerprintSet, violationsOf, type Fingerprint } from '../../src/invariants/index.ts';
import type { Scenario } from '../../src/scenario/index.ts';
import { runOnModel, scopeOf, unsuitable, type AnyRevision } from '../../src/model/index.ts';
import { unexplained, type KnownBug } from './bugs.ts';

/** The first case of a search that shows a bug. */
export interface BugSighting {
  /** The number of the case, from 1. */
  readonly cases: number;
  /** Invariant and cause; the first of several in this case. */
  readonly fingerprint: Fingerprint;
  readonly scenario: Scenario;
}

/** The invariants and causes that break when `scenario` runs on `revision`. */
export const fingerprintsOf = (scenario: Scenario, revision: AnyRevision): FingerprintSet =>
  new FingerprintSet(violationsOf(runOnModel(scenario, revision)));

/** Cases are generated in batches, because most bugs need few cases and some need many. */
const BATCHES = [250, 2_500, 20_000] as const;

/**
 * The generated cases of one seed, and the invariants that they break on the revisions without bugs. All
 * bugs share both, because a seed gives the same cases for every bug.
 */
export class Cases {
  readonly #seed: number;
  readonly #generated = new Map<string, readonly Scenario[]>();
  readonly #shown = new Map<string, FingerprintSet[]>();

  constructor(seed: string) {
    this.#seed = deriveSeed(seed, 'known bugs');
  }

  /** The first `count` cases that `revision` can run; 20,000 at most. */
  *take(count: number, revision: AnyRevision): Generator<Scenario> {
    const { revision: _, ...scope } = scopeOf(revision);
    const key = JSON.stringify(scope);
    for (let index = 0; index < count; index++) {
      let generated = this.#generated.get(key) ?? [];
      if (index >= generated.length) {
        const numRuns = BATCHES.find((size) => size > index);
        if (numRuns === undefined) return;
        generated = fc.sample(scenarios(scope), { seed: this.#seed, numRuns });
        this.#generated.set(key, generated);
      }
      yield generated[index]!;
    }
  }

  /** The invariants and causes that break when case `index`, which is `scenario`, runs on `revision`. */
  shownBy(index: number, scenario: Scenario, revision: AnyRevision): FingerprintSet {
    let shown = this.#shown.get(revision.id);
    if (shown === undefined) this.#shown.set(revision.id, (shown = []));
    return (shown[index] ??= fingerprintsOf(scenario, revision));
  }
}

/**
 * Searches for a case that shows a bug. Such a case breaks an invariant for a cause for which the base
 * breaks that invariant in none of the cases so far, and which no stored finding about the base explains.
 *
 * @param most cases after which the search gives up.
 * @param known more fingerprints that the base shows.
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
    const fresh = [...unexplained(runOnModel(scenario, patched), base)].find((shown) => !seen.has(shown));
    index++;
    if (fresh !== undefined) return { cases: index, fingerprint: fresh, scenario };
  }
  return undefined;
}

/** The smallest scenario, by shrinking, that shows the same fingerprint with the bug and not without it. */
export function shrink({ base, patched }: KnownBug, { fingerprint, scenario }: BugSighting): Scenario {
  const shows = (candidate: Scenario): boolean =>
    unsuitable(candidate, base).length === 0 &&
    fingerprintsOf(candidate, patched).has(fingerprint) &&
    !fingerprintsOf(candidate, base).has(fingerprint);
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

/** The fingerprints that the first `count` cases show with the bug and not without it. */
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
    for (const shown of unexplained(runOnModel(scenario, patched), base)) onPatched.add(shown);
    index++;
  }
  return new FingerprintSet([...onPatched].filter((fingerprint) => !onBase.has(fingerprint)));
}
