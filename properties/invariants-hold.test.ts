import { beforeAll, describe, expect, it } from 'vitest';
import { scenarios } from '../generators/index.ts';
import { deriveSeed, search, type SearchResult } from '../src/campaign/index.ts';
import {
  COMMON_INVARIANTS,
  fingerprintText,
  type Invariant,
  type InvariantId,
} from '../src/invariants/index.ts';
import { runOnModel } from '../src/model/index.ts';
import { NEWEST } from '../src/vfio/index.ts';
import { knownFindings } from './testing/known-findings.ts';

const SEED = 'invariants hold';
const CASES = 6_000;

/**
 * The least share of the cases, in per cent, in which an invariant must check something: two thirds of the share
 * measured over 20,000 cases. Below it the generators no longer make what the invariant checks.
 */
const LEAST_SHARE: Readonly<Partial<Record<InvariantId, number>>> = {
  'map-aligned': 52,
  'msix-trapped': 36,
  'msix-direct-on-opt-out': 9,
  'flat-partition': 100,
  'flat-minimal': 62,
  'ram-reachable': 45,
  'map-matches-view': 45,
  'map-unmap-symmetric': 65,
  'incremental-equals-scratch': 54,
  'mmio-map-not-fatal': 10,
  'no-abort': 100,
  'memslot-aligned-disjoint': 66,
  'memslot-complete': 66,
  'mmap-inside-bar': 56,
  'bar-as-hardware': 59,
  'no-needless-change': 54,
  'msix-capability-consistent': 54,
  'access-dispatched': 12,
  'window-limit': 30,
  'resources-bounded': 29,
  'guest-page-reachable': 14,
};

/** The invariant, which also adds the number of things that it checks to `totals`. */
const counting = (invariant: Invariant, totals: Map<InvariantId, number>): Invariant => ({
  ...invariant,
  start(trace, examination) {
    const judge = invariant.start(trace, examination);
    return {
      judgesUnsettled: judge?.judgesUnsettled ?? false,
      event: (event) => judge?.event?.(event),
      step: (change, state) => judge?.step?.(change, state),
      end() {
        judge?.end?.();
        totals.set(invariant.id, (totals.get(invariant.id) ?? 0) + examination.exercised);
      },
    };
  },
});

describe(`over ${CASES} scenarios on ${NEWEST.id}`, () => {
  const known = knownFindings(NEWEST.id);
  const totals = new Map<InvariantId, number>();
  let result: SearchResult;

  beforeAll(async () => {
    result = await search({
      run: (scenario) => runOnModel(scenario, NEWEST),
      scenarios: scenarios({ revision: NEWEST.id, iommuTypes: NEWEST.iommus }),
      invariants: COMMON_INVARIANTS.map((invariant) => counting(invariant, totals)),
      seed: deriveSeed(SEED, NEWEST.id),
      runs: CASES,
    });
  }, 120_000);

  it.for(COMMON_INVARIANTS.map(({ id }) => ({ id, least: LEAST_SHARE[id]! })))(
    '$id breaks only as known, and checks something in at least $least % of them',
    async ({ id, least }, { annotate }) => {
      const share = (100 * result.exercised.get(id)!) / CASES;
      const perCase = totals.get(id)! / result.exercised.get(id)!;
      await annotate(`${share.toFixed(1)} % of the cases, ${perCase.toFixed(1)} checks in each`, 'exercised');
      const found = result.sightings.map((sighting) => sighting.fingerprint);
      const unknown = found.filter((other) => other.invariant === id && !known.has(other));
      expect(unknown.map(fingerprintText)).toEqual([]);
      expect(least, `LEAST_SHARE has no entry; the measured share is ${share.toFixed(1)} %`).toBeDefined();
      expect(share).toBeGreaterThanOrEqual(least);
    },
  );

  it('more than 75 % end well, more than 5 % with a refusal and more than 2 % with an abort', () => {
    const share = (outcome: 'ok' | 'rejected' | 'aborted') =>
      (100 * (result.outcomes.get(outcome) ?? 0)) / CASES;
    expect(share('ok')).toBeGreaterThan(75);
    expect(share('rejected')).toBeGreaterThan(5);
    expect(share('aborted')).toBeGreaterThan(2);
  });
});
