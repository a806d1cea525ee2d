import { describe, expect, it, vi } from 'vitest';
import { deriveSeed } from '../src/campaign/index.ts';
import { INVARIANT_IDS, type InvariantId } from '../src/invariants/index.ts';
import type { FlatRange } from '../src/memory/index.ts';
import { runOnModel } from '../src/model/index.ts';
import type { Trace } from '../src/trace/index.ts';
import type { Revision } from '../src/vfio/index.ts';
import { faults } from './testing/faults.ts';
import { invariantsOf, lookFor, type Looking, type Seen } from './testing/look-for.ts';
import { MUTANTS, type Mutant } from './testing/mutants.ts';

vi.mock(import('../src/memory/flat-range.ts'), async (importOriginal) => {
  const original = await importOriginal();
  const beginAlike = (a: FlatRange, b: FlatRange): boolean =>
    a.region === b.region && a.start === b.start && a.offset === b.offset;
  return {
    ...original,
    flatRangesEqual: (a, b) =>
      faults.equalityIgnoresLength ? beginAlike(a, b) : original.flatRangesEqual(a, b),
    canMerge: (left, right) =>
      !faults.neverMerges &&
      (faults.mergesStrangers ? left.end === right.start : original.canMerge(left, right)),
  };
});

const SEED = deriveSeed('invariant mutants', '1');
/** A mutant that was killed goes on for so long, to see what else it breaks. */
const AT_LEAST = 250;

/** The scenarios of the mutant, run on `revision`; what they show is passed through `distort`. */
function look(
  { base, only = (scenario) => scenario }: Mutant,
  revision: Revision,
  distort: (trace: Trace) => Trace,
  how: Pick<Looking, 'atLeast' | 'atMost' | 'enough'>,
): Seen {
  return lookFor({
    run: (scenario) => distort(runOnModel(only(scenario), revision)),
    revision: base,
    seed: SEED,
    ...how,
  });
}

/** What the base of each mutant shows on the same scenarios, as far as any mutant goes; one search for all that share it. */
const findingsOfBases = new Map<Revision, ReadonlySet<string>>();
function findingsOfBase(mutant: Mutant): ReadonlySet<string> {
  const known = mutant.only === undefined ? findingsOfBases.get(mutant.base) : undefined;
  if (known !== undefined) return known;
  const sharing = MUTANTS.filter(({ base, only }) => base === mutant.base && only === mutant.only);
  const atMost = Math.max(...sharing.map(({ cases }) => cases));
  const { found } = look(mutant, mutant.base, (trace) => trace, {
    atLeast: atMost,
    atMost,
    enough: () => true,
  });
  const findings = new Set(found.keys());
  if (mutant.only === undefined) findingsOfBases.set(mutant.base, findings);
  return findings;
}

/** What the mutant breaks that its base does not. */
function examineMutant(mutant: Mutant): Seen {
  const { base, revision = base, sabotage, distort = (trace) => trace, cases, fires } = mutant;
  const ofBase = findingsOfBase(mutant);
  const mend = sabotage?.();
  try {
    const seen = look(mutant, revision, distort, {
      atLeast: AT_LEAST,
      atMost: cases,
      enough: (found) => fires.every((name) => found.has(name)),
    });
    return { ...seen, found: new Map([...seen.found].filter(([name]) => !ofBase.has(name))) };
  } finally {
    mend?.();
  }
}

describe('each mutant is killed by what it breaks, and by nothing else', () => {
  it.for(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', async ([, mutant], { annotate }) => {
    const { found, cases, exercised } = examineMutant(mutant);
    const killers = invariantsOf(mutant.fires);
    const said = [...killers].map((id) => `${id} ${exercised.get(id as InvariantId)}`).join(', ');
    await annotate(`of ${cases} cases: ${said}`, 'exercised');
    for (const name of mutant.fires) {
      await annotate(
        `${name} in case ${found.get(name)?.run}, in ${found.get(name)?.cases} of ${cases}`,
        'killed',
      );
    }
    expect(mutant.fires.filter((name) => !found.has(name))).toEqual([]);
    const allowed = new Set<string>([...killers, ...(mutant.mayBreak ?? [])]);
    expect([...found.keys()].filter((name) => !allowed.has(name.slice(0, name.indexOf('/'))))).toEqual([]);
  });
});

describe('the mutants', () => {
  it('are all killed by some invariant', () => {
    expect(MUTANTS.filter(({ fires }) => fires.length === 0).map(({ name }) => name)).toEqual([]);
  });

  it.each(INVARIANT_IDS)('of which %s kills at least one', (id) => {
    expect(MUTANTS.filter(({ fires }) => invariantsOf(fires).has(id)).length).toBeGreaterThan(0);
  });

  it('each have a name of their own', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });
});
