import { describe, expect, it } from 'vitest';
import { deriveSeed } from '../src/campaign/index.ts';
import {
  FingerprintMap,
  FingerprintSet,
  INVARIANT_IDS,
  fingerprintText,
  type Fingerprint,
  type InvariantId,
} from '../src/invariants/index.ts';
import { runOnModel, type AnyRevision } from '../src/model/index.ts';
import type { Trace } from '../src/trace/index.ts';
import { survey, type Occurrence, type SurveyOptions, type Survey } from './testing/survey.ts';
import { MUTANTS } from './testing/all-mutants.ts';
import type { Mutant } from './testing/mutants.ts';

const SEED = deriveSeed('invariant mutants', '1');
/** The least number of cases, so that a mutant that is killed early shows what else it breaks. */
const AT_LEAST = 250;

/** Runs the scenarios of the mutant on `revision`, and checks the invariants on their distorted traces. */
function look(
  { base, only = (scenario) => scenario }: Mutant,
  revision: AnyRevision,
  distort: (trace: Trace) => Trace,
  how: Pick<SurveyOptions, 'atLeast' | 'atMost' | 'enough'>,
): Survey {
  return survey({
    run: (scenario) => distort(runOnModel(only(scenario), revision)),
    revision: base,
    seed: SEED,
    ...how,
  });
}

/** The invariants that must kill the mutant. */
const killersOf = ({ fires }: Mutant): readonly InvariantId[] => INVARIANT_IDS.filter((id) => id in fires);

/** The fingerprints that must be found. */
const expectedOf = (mutant: Mutant): readonly Fingerprint[] =>
  killersOf(mutant).flatMap((invariant) => mutant.fires[invariant]!.map((cause) => ({ invariant, cause })));

/** The findings of the base on the same scenarios, for the largest number of cases of the mutants that share it. */
const findingsOfBases = new Map<AnyRevision, FingerprintSet>();
function findingsOfBase(mutant: Mutant): FingerprintSet {
  const known = mutant.only === undefined ? findingsOfBases.get(mutant.base) : undefined;
  if (known !== undefined) return known;
  const sharing = MUTANTS.filter(({ base, only }) => base === mutant.base && only === mutant.only);
  const atMost = Math.max(...sharing.map(({ cases }) => cases));
  const { found } = look(mutant, mutant.base, (trace) => trace, {
    atLeast: atMost,
    atMost,
    enough: () => true,
  });
  const findings = new FingerprintSet(found.keys());
  if (mutant.only === undefined) findingsOfBases.set(mutant.base, findings);
  return findings;
}

/** The findings of the mutant that its base does not have. */
function examineMutant(mutant: Mutant): Survey {
  const { base, revision = base, sabotage, distort = (trace) => trace, cases } = mutant;
  const ofBase = findingsOfBase(mutant);
  const mend = sabotage?.();
  try {
    const seen = look(mutant, revision, distort, {
      atLeast: AT_LEAST,
      atMost: cases,
      enough: (found) => expectedOf(mutant).every((fingerprint) => found.has(fingerprint)),
    });
    const found = new FingerprintMap<Occurrence>();
    for (const [fingerprint, where] of seen.found)
      if (!ofBase.has(fingerprint)) found.set(fingerprint, where);
    return { ...seen, found };
  } finally {
    mend?.();
  }
}

describe('only the named invariants kill the mutant', () => {
  it.for(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', async ([, mutant], { annotate }) => {
    const { found, cases, exercised } = examineMutant(mutant);
    const expected = expectedOf(mutant);
    const said = killersOf(mutant).map((id) => `${id} ${exercised.get(id)}`);
    await annotate(`of ${cases} cases: ${said.join(', ')}`, 'exercised');
    for (const fingerprint of expected) {
      const where = found.get(fingerprint);
      await annotate(
        `${fingerprintText(fingerprint)} in case ${where?.run}, in ${where?.cases} of ${cases}`,
        'killed',
      );
    }
    expect(expected.filter((fingerprint) => !found.has(fingerprint)).map(fingerprintText)).toEqual([]);
    const allowed = new Set([...killersOf(mutant), ...(mutant.mayBreak ?? [])]);
    const others = found.keys().filter(({ invariant }) => !allowed.has(invariant));
    expect(others.map(fingerprintText)).toEqual([]);
  });
});

describe('the mutants', () => {
  it('each name an invariant that kills them', () => {
    expect(MUTANTS.filter((mutant) => expectedOf(mutant).length === 0).map(({ name }) => name)).toEqual([]);
  });

  it.each(INVARIANT_IDS)('include one that %s kills', (id) => {
    expect(MUTANTS.filter((mutant) => killersOf(mutant).includes(id)).length).toBeGreaterThan(0);
  });

  it('have different names', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });
});
