import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../generators/index.ts';
import {
  RegressionStore,
  deriveSeed,
  formatRegression,
  search,
  shrinkSighting,
  type Regression,
} from '../src/campaign/index.ts';
import { writeAtomically } from '../src/input/index.ts';
import {
  brokenBy,
  findInvariant,
  fingerprintText,
  violationsOf,
  type InvariantId,
} from '../src/invariants/index.ts';
import { isRealistic } from '../src/scenario/index.ts';
import { ALL_REVISIONS, runOnModel, scopeOf, type AnyRevision } from '../src/model/index.ts';
import { NEWEST } from '../src/vfio/index.ts';
import { failsOn } from './testing/fails-on.ts';

const FOLDER = fileURLToPath(new URL('../regressions/', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};
/** The same number of cases within which properties/revision-table.test.ts finds every invariant. */
const RUNS = 20_000;
const SEED = 'stored cases';

const caseFile = ({ id }: AnyRevision, invariant: InvariantId): string =>
  `${FOLDER}revisions/${id}--${invariant}.json`;

/** The revisions whose smallest cases lie in regressions/revisions; those of the newest are in regressions/known. */
const missing = ALL_REVISIONS.filter(({ id }) => id !== NEWEST.id).flatMap((revision) =>
  brokenBy(revision.id)
    .filter((invariant) => !existsSync(caseFile(revision, invariant)))
    .map((invariant) => [revision.id, invariant, revision] as const),
);

/**
 * Makes stored cases that a new revision or a new invariant needs. Not part of a test run: `npm run remake:cases`
 * runs this file with BARPROOF_REMAKE=1. The differences that git shows afterwards are for a person to judge.
 */
describe.runIf(process.env['BARPROOF_REMAKE'] === '1')('stored cases', { timeout: 600_000 }, () => {
  it.for(missing)('%s has a smallest case that breaks %s', async ([, invariant, revision]) => {
    const regression = await smallestCase(revision, invariant);
    expect(regression, `no case within ${RUNS} breaks it: take it out of BROKEN_BY`).toBeDefined();
    writeAtomically(caseFile(revision, invariant), formatRegression(regression!));
  });

  it('name every revision on which they fail', () => {
    const changed = new RegressionStore(FOLDER)
      .load()
      .filter(({ file }) => !file.startsWith('bugs/'))
      .filter(({ regression: { invariant, observed } }) => invariant !== undefined && !observed.target)
      .filter(({ regression: { status } }) => status === 'known' || status === 'expected')
      .map(({ file, regression }) => ({ file, regression: { ...regression, failsOn: failsOn(regression) } }));
    for (const { file, regression } of changed)
      writeAtomically(`${FOLDER}${file}`, formatRegression(regression));
    expect(changed.length).toBeGreaterThan(0);
  });
});

/** The smallest case of a search that breaks the invariant on the revision; undefined when no case does. */
async function smallestCase(revision: AnyRevision, invariant: InvariantId): Promise<Regression | undefined> {
  const options = {
    run: (scenario: Parameters<typeof runOnModel>[0]) => runOnModel(scenario, revision),
    scenarios: scenarios(scopeOf(revision)),
    invariants: [findInvariant(invariant)],
    seed: deriveSeed(SEED, revision.id),
    runs: RUNS,
  };
  const [sighting] = (await search(options)).sightings;
  if (sighting === undefined) return undefined;
  const { scenario, trace, violation, path } = await shrinkSighting(sighting, options);
  const regression: Regression = {
    schema: 1,
    invariant,
    cause: violation.cause,
    title: violation.message,
    status: 'expected',
    expected: findInvariant(invariant).clause,
    observed: { outcome: trace.outcome, violations: violationsOf(trace).map(fingerprintText) },
    failsOn: [],
    realistic: isRealistic(scenario),
    provenance: {
      source: `npm run remake:cases, seed ${SEED}`,
      seed: options.seed,
      path,
      version,
      date: new Date().toISOString().slice(0, 10),
    },
    scenario,
  };
  return { ...regression, failsOn: failsOn(regression) };
}
