import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { RegressionStore } from '../src/campaign/index.ts';
import { INVARIANT_IDS } from '../src/invariants/index.ts';
import { MUTANTS } from './testing/all-mutants.ts';
import { BUGS } from './testing/worse-rules.ts';

/** The causes that stand as texts in the calls of `violate`; causes that are put together are not among them. */
function causesOf(invariant: string): readonly string[] {
  const source = readFileSync(new URL(`../src/invariants/${invariant}.ts`, import.meta.url), 'utf8');
  const calls = source.matchAll(/[.#]violate\(\s*([^;]*?),\s*(?:\(\)|\w)/g);
  return [...calls].flatMap(([, argument]) =>
    [...argument!.matchAll(/'([a-z0-9-]+)'/g)].map(([, cause]) => `${invariant}/${cause}`),
  );
}

const DECLARED = [...new Set(INVARIANT_IDS.flatMap(causesOf))];

/** Causes that no rule of a revision can bring about, or that no patch brings about yet: unit tests alone show them. */
const BY_UNIT_TESTS = [
  'access-dispatched/bytes-lost',
  'access-dispatched/unanswered',
  'bar-as-hardware/extra-bar',
  'memslot-aligned-disjoint/overlapping',
  'msix-trapped/emulation-shifted',
  'msix-trapped/not-answered',
  'window-limit/device-memory-outside-aperture',
];

describe('each cause of an invariant', () => {
  const ofMutants = MUTANTS.flatMap(({ fires }) =>
    Object.entries(fires).flatMap(([invariant, causes]) => causes!.map((cause) => `${invariant}/${cause}`)),
  );
  const ofCases = new RegressionStore(fileURLToPath(new URL('../regressions/', import.meta.url)))
    .load()
    .flatMap(({ regression: { observed } }) => observed.violations);
  const ofPatches = Object.values(BUGS).flatMap(([finders]) => finders);
  const folder = new URL('../regressions/bugs/', import.meta.url);
  const ofBugs = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .flatMap((source) => [...source.matchAll(/shows = \{\s*invariant: '([a-z0-9-]+)',\s*cause: '([\w-]+)'/g)])
    .map(([, invariant, cause]) => `${invariant}/${cause}`);
  const shown = new Set<string>([...ofMutants, ...ofCases, ...ofPatches, ...ofBugs]);

  it('is read from the source of the invariant', () => {
    expect(DECLARED.length).toBeGreaterThan(60);
    expect(DECLARED).toContain('bar-as-hardware/kept-over-reset');
  });

  it('is shown by a mutant, a stored case, a known bug or a patch, but for a few', () => {
    expect(DECLARED.filter((cause) => !shown.has(cause)).toSorted()).toEqual(BY_UNIT_TESTS);
  });
});
