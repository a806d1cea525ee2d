import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../generators/index.ts';
import {
  RegressionStore,
  deriveSeed,
  search,
  shrinkSighting,
  type SearchOptions,
} from '../src/campaign/index.ts';
import { findInvariant, fingerprintText, violationsOf, type InvariantId } from '../src/invariants/index.ts';
import type { Scenario } from '../src/scenario/index.ts';
import { runOnModel, ALL_REVISIONS, findAnyRevision, scopeOf, type AnyRevision } from '../src/model/index.ts';

const REVISIONS = ALL_REVISIONS.filter(({ vmm }) => vmm === 'cloud-hypervisor');
const stored = ['cloud-hypervisor', 'revisions']
  .flatMap((folder) =>
    new RegressionStore(fileURLToPath(new URL(`../regressions/${folder}`, import.meta.url))).load(),
  )
  .filter(({ regression }) => findAnyRevision(regression.scenario.revision)?.vmm === 'cloud-hypervisor');

const fingerprintsOf = (scenario: Scenario, revision: AnyRevision): readonly string[] =>
  violationsOf(runOnModel(scenario, revision)).map(fingerprintText);

describe('the stored cases of cloud-hypervisor', () => {
  it('are more than 30', () => expect(stored.length).toBeGreaterThan(30));

  it.each(stored)(
    '$file ends as stored, and fails on the revisions that it names and no others',
    ({ regression }) => {
      const { scenario, observed, invariant, cause, failsOn } = regression;
      const own = findAnyRevision(scenario.revision)!;
      const trace = runOnModel(scenario, own);
      expect(trace.outcome).toBe(observed.outcome);
      expect(violationsOf(trace).map(fingerprintText)).toEqual(observed.violations);
      const broken = REVISIONS.filter((revision) =>
        fingerprintsOf(scenario, revision).includes(`${invariant}/${cause}`),
      );
      expect(broken.map(({ id }) => id)).toEqual(failsOn);
    },
  );
});

const AT_MOST = 2_000;

const searching = (revision: AnyRevision, invariant: InvariantId): SearchOptions => ({
  run: (scenario) => runOnModel(scenario, revision),
  scenarios: scenarios(scopeOf(revision)),
  invariants: [findInvariant(invariant)],
  seed: deriveSeed('cloud-hypervisor', invariant),
  runs: AT_MOST,
});

describe(`a search of ${AT_MOST} cases for faults mended in 2026`, () => {
  it.each([
    ['cloud-hypervisor-51.0', 'mmap-inside-bar', 'asked-beyond-bar', 'issue 7898'],
    ['cloud-hypervisor-51.0+clamped-holes', 'memslot-aligned-disjoint', 'unaligned', 'pull request 7939'],
  ] as const)(
    'finds that %s breaks %s / %s (%s), and shrinks that to one BAR',
    async (id, invariant, cause, _report) => {
      const options = searching(findAnyRevision(id)!, invariant);
      const { sightings } = await search(options);
      const sighting = sightings.find((seen) => seen.fingerprint.cause === cause)!;
      const { scenario } = await shrinkSighting(sighting, options);
      expect(scenario.devices).toHaveLength(1);
      expect(scenario.devices[0]!.bars).toHaveLength(1);
      expect(scenario.operations).toEqual([]);
    },
  );

  it('finds no area beyond a BAR in 53.0', async () => {
    const { sightings, exercised } = await search(
      searching(findAnyRevision('cloud-hypervisor-53.0')!, 'mmap-inside-bar'),
    );
    expect(sightings.filter(({ fingerprint }) => fingerprint.cause.endsWith('beyond-bar'))).toEqual([]);
    expect(exercised.get('mmap-inside-bar')).toBeGreaterThan(AT_MOST / 10);
  });
});
