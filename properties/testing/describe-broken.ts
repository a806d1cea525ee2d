import { describe, expect, it } from 'vitest';
import { deriveSeed } from '../../src/campaign/index.ts';
import { brokenBy, fingerprintText, type FingerprintMap } from '../../src/invariants/index.ts';
import { RARELY_BROKEN_BY } from '../../src/invariants/broken-by.ts';
import { runOnModel, type AnyRevision } from '../../src/model/index.ts';
import { survey } from './survey.ts';

/**
 * One seed for all: revisions with the same kinds of containers see the same cases. Chosen among a dozen
 * because these cases show early what is rare: `guest-page-reachable` on revisions that round to the target
 * page (one case in 5,000) and `msix-trapped` on released versions (one in 3,000).
 */
const CASES_SEED = deriveSeed('revision table', '4');
/** `BARPROOF_SURVEY` sets another number. */
const AT_LEAST = Number(process.env['BARPROOF_SURVEY'] ?? 1_000);
const AT_MOST = Math.max(20_000, AT_LEAST);

const invariantsIn = (found: FingerprintMap<unknown>): ReadonlySet<string> =>
  new Set(found.keys().map(({ invariant }) => invariant));

/** Holds what `brokenBy` says of revisions to what generated cases find. */
export const describeBroken = (revisions: readonly AnyRevision[]): void =>
  void describe(`what ${AT_LEAST} to ${AT_MOST} generated cases find broken`, () => {
    it.for(revisions.map((revision) => [revision.id, revision] as const))(
      'on %s is what `brokenBy` says',
      async ([id, revision], { annotate }) => {
        const { found, cases } = survey({
          run: (scenario) => runOnModel(scenario, revision),
          revision,
          seed: CASES_SEED,
          atLeast: AT_LEAST,
          atMost: AT_MOST,
          enough: (seen) => {
            const broken = invariantsIn(seen);
            return brokenBy(id).every((invariant) => broken.has(invariant));
          },
        });
        const latest = [...found].map(([name, { run }]) => `${fingerprintText(name)} in case ${run}`).at(-1);
        await annotate(`${cases} cases; last of all ${latest}`, 'searched');
        const rare: readonly string[] = RARELY_BROKEN_BY[id] ?? [];
        const often = [...invariantsIn(found)].filter((invariant) => !rare.includes(invariant));
        expect(often.toSorted()).toEqual(brokenBy(id).toSorted());
      },
    );
  });
