import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { scenarios } from '../generators/index.ts';
import { deriveSeed } from '../src/campaign/index.ts';
import { FingerprintSet, fingerprintText, violationsOf, type Fingerprint } from '../src/invariants/index.ts';
import { findAnyRevision, runOnModel, scopeOf, type AnyRevision } from '../src/model/index.ts';
import type { Scenario } from '../src/scenario/index.ts';
import { definePatch } from '../src/validate/index.ts';
import { BUGS, type Finder } from './testing/worse-rules.ts';

const CASES = 1_500;

/** The cases of a base, and what the base itself breaks in them. */
interface Survey {
  readonly cases: readonly Scenario[];
  readonly found: FingerprintSet;
}

const surveys = new Map<string, Survey>();
function surveyOf(base: AnyRevision): Survey {
  const known = surveys.get(base.id);
  if (known !== undefined) return known;
  const seed = deriveSeed('patches reach', base.id);
  const cases = fc.sample(scenarios(scopeOf(base)), { seed, numRuns: CASES });
  const survey = {
    cases,
    found: new FingerprintSet(cases.flatMap((scenario) => violationsOf(runOnModel(scenario, base)))),
  };
  surveys.set(base.id, survey);
  return survey;
}

const isFound = (finder: Finder, one: Fingerprint): boolean =>
  finder === one.invariant || finder === fingerprintText(one);

/** What a patched revision breaks and its base does not, up to the case in which the last finder finds it. */
function breaks(patched: AnyRevision, base: AnyRevision, finders: readonly Finder[]): readonly Fingerprint[] {
  const { cases, found } = surveyOf(base);
  const fresh: Fingerprint[] = [];
  for (const scenario of cases) {
    fresh.push(...violationsOf(runOnModel(scenario, patched)).filter((one) => !found.has(one)));
    if (finders.every((finder) => fresh.some((one) => isFound(finder, one)))) break;
  }
  return fresh;
}

describe('a patch that changes one rule for the worse is found', { timeout: 120_000 }, () => {
  it.each(Object.entries(BUGS))('%s', (_, [named, definition, id = 'qemu-11.1']) => {
    const base = findAnyRevision(id)!;
    const patched = definePatch({ name: 'bug', ...definition }).applyTo(base);
    const finders = [named].flat();
    const fresh = breaks(patched, base, finders);
    expect(
      finders.filter((finder) => !fresh.some((one) => isFound(finder, one))),
      [...new FingerprintSet(fresh)].map(fingerprintText).join(' '),
    ).toEqual([]);
  });
});
