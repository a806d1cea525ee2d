import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VALIDATE_PATIENCE } from '../src/cli/validate-command-options.ts';
import { FingerprintSet } from '../src/invariants/index.ts';
import { NEWEST } from '../src/vfio/index.ts';
import { loadBugs } from './known-bugs/bugs.ts';
import { Cases, fingerprintsOf, hunt } from './known-bugs/hunt.ts';
import { readmeOf } from './known-bugs/readme.ts';
import { README, RESULTS, median, readLeftOut, readResults, storedResult } from './known-bugs/results.ts';

const bugs = await loadBugs();
const results = readResults();
const resultOf = (id: string) => results.find((result) => result.id === id)!;

describe('the measurements of known bugs', () => {
  it('are the ones on the page', () => {
    expect(readFileSync(README, 'utf8')).toBe(readmeOf(bugs, results, readLeftOut()));
  });

  it('are the same after reading and writing', () => {
    const lines = results.map((result) => `${JSON.stringify(storedResult(result))}\n`);
    expect(lines.join('')).toBe(readFileSync(RESULTS, 'utf8'));
  });

  it('exist for every bug, on its present base', () => {
    expect(results.map(({ id, base }) => [id, base])).toEqual(bugs.map(({ id, base }) => [id, base.id]));
    expect(readLeftOut().filter(({ id }) => results.some((result) => result.id === id))).toEqual([]);
  });

  it('find nine of ten bugs within 20,000 cases, each in fewer than 1,000 cases by the median', () => {
    const found = results.filter(({ found: times, seeds, most }) => times === seeds && most <= 20_000);
    expect(found.length).toBeGreaterThanOrEqual(0.9 * results.length);
    for (const { id, cases } of found) expect([id, median(cases)! < 1_000]).toEqual([id, true]);
  });

  it('leave fewer than one in a hundred verdicts without the rarest bug, if the patch breaks something else first', () => {
    for (const { id, cases } of results) {
      const mean = cases.reduce((sum, count) => sum + count, 0) / cases.length;
      expect([id, Math.exp(-VALIDATE_PATIENCE.afterNews / mean) < 0.01]).toEqual([id, true]);
    }
  });

  it.each(bugs)('show $id breaking no other invariants than it names', ({ id, breaks }) => {
    const { flagged, fingerprint: first } = resultOf(id);
    const invariants = new Set(
      [...(first ? [first] : []), ...flagged.fingerprints].map(({ invariant }) => invariant),
    );
    expect([...invariants].filter((name) => !breaks.includes(name))).toEqual([]);
  });
});

describe.each(bugs)('$id: $title', (bug) => {
  const { id, base, patched, shows, breaks, regression } = bug;

  it('shows with the configuration of its report, which its base withstands', () => {
    const { scenario } = regression;
    expect(breaks).toContain(shows.invariant);
    expect([...fingerprintsOf(scenario, patched)]).toContainEqual(shows);
    expect([...fingerprintsOf(scenario, base)]).not.toContainEqual(shows);
  });

  it('is found by search alone', () => {
    // One search in thirty thousand needs more than fifteen times the median.
    const limit = Math.min(20_000, Math.max(500, 15 * (median(resultOf(id).cases) ?? 20_000)));
    const sighting = hunt(bug, shared, limit, new FingerprintSet());
    expect(sighting?.fingerprint.invariant).toBeOneOf([...breaks]);
  });
});

const shared = new Cases('a fixed seed');

it('a search finds no bug between two equal revisions', () => {
  expect(
    hunt({ ...bugs[0]!, base: NEWEST, patched: NEWEST }, shared, 300, new FingerprintSet()),
  ).toBeUndefined();
});
