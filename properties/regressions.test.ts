import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeRegression, formatRegression, isCaseFile, type Regression } from '../src/campaign/index.ts';
import { brokenBy, fingerprintText, violationsOf } from '../src/invariants/index.ts';
import { RARELY_BROKEN_BY } from '../src/invariants/broken-by.ts';
import { printFlatViews, printTree } from '../src/memory/index.ts';
import { isRealistic, needsOf, realismText, type Scenario } from '../src/scenario/index.ts';
import {
  runOnModel,
  runToTheEnd,
  ALL_REVISIONS,
  findAnyRevision,
  type AnyRevision,
} from '../src/model/index.ts';
import type { Trace } from '../src/trace/index.ts';
import { NEWEST, type VmmEvent } from '../src/vfio/index.ts';
import { SEED_DUMPS, withoutNumbers } from './fixtures/seed-dumps.ts';
import { failsOn } from './testing/fails-on.ts';

const FOLDER = fileURLToPath(new URL('../regressions/', import.meta.url));

interface Case {
  readonly file: string;
  readonly text: string;
  readonly regression: Regression;
}

const cases: readonly Case[] = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter(isCaseFile)
  // The cases of known bugs fail on a patched revision: properties/known-bugs.test.ts runs them.
  .filter((file) => !file.startsWith('bugs/'))
  .toSorted()
  .map((file) => {
    const text = readFileSync(`${FOLDER}${file}`, 'utf8');
    return { file, text, regression: decodeRegression(JSON.parse(text)) };
  });

const caseOf = (file: string): Regression => cases.find((stored) => stored.file === file)!.regression;

const revisionOf = (scenario: Scenario): AnyRevision => findAnyRevision(scenario.revision)!;

const fingerprintsOf = (trace: Trace): string[] => violationsOf(trace).map(fingerprintText);

/** A DMA request in the form of the files: `step op iova size [read-only] [errno N]`. */
const dmaLine = (event: VmmEvent, step: number): string[] => {
  if (event.type !== 'dma-map' && event.type !== 'dma-unmap') return [];
  const { iova, size, errno } = event;
  const words = [step, event.type.slice('dma-'.length), `0x${iova.toString(16)}`, `0x${size.toString(16)}`];
  if (event.type === 'dma-map' && event.readonly) words.push('read-only');
  if (errno !== 0) words.push(`errno ${errno}`);
  return [words.join(' ')];
};

const dmaLines = (trace: Trace): string[] =>
  trace.steps.flatMap(({ events }, step) => events.flatMap((event) => dmaLine(event, step)));

it('the stored cases are found in every folder', () => {
  const folders = new Set(cases.map(({ file }) => file.split('/')[0]));
  expect(folders).toContain('seed');
  expect(folders).toContain('known');
  expect(cases.length).toBeGreaterThanOrEqual(24);
});

describe.each(cases)('$file', ({ file, text, regression }) => {
  const { scenario, observed, status } = regression;
  // A case that a check has seen on a real VMM need not show on the model.
  const ofModel = observed.target === undefined;

  it('has the canonical form', () => {
    expect(formatRegression(regression)).toBe(text);
  });

  it.runIf(regression.realistic !== undefined)('says truly whether a real machine can show it', () => {
    expect(regression.realistic, realismText(needsOf(scenario))).toBe(isRealistic(scenario));
  });

  it('names existing revisions in their order, each once, and a revision with its IOMMU', () => {
    expect(revisionOf(scenario).iommus).toContain(scenario.host.iommu.type);
    const order = ALL_REVISIONS.map(({ id }) => id);
    expect(regression.failsOn).toEqual(order.filter((id) => regression.failsOn.includes(id)));
  });

  it.runIf(ofModel)('has the stored outcome and violations on its own revision', () => {
    const trace = runOnModel(scenario, revisionOf(scenario));
    expect(trace.outcome).toBe(observed.outcome);
    expect(fingerprintsOf(trace)).toEqual(observed.violations);
    if (observed.dma !== undefined) expect(dmaLines(trace)).toEqual(observed.dma);
  });

  it('names both invariant and cause, or neither', () => {
    expect(regression.invariant === undefined).toBe(regression.cause === undefined);
    if (regression.invariant === undefined) expect(regression.failsOn).toEqual([]);
    else if (regression.failsOn.includes(scenario.revision))
      expect(observed.violations).toContain(`${regression.invariant}/${regression.cause}`);
  });

  if (regression.invariant !== undefined && ofModel) {
    it('breaks on every revision that failsOn names', () => {
      const broken = failsOn(regression);
      for (const id of regression.failsOn) expect(broken).toContain(id);
    });
  }

  if (regression.invariant !== undefined && ofModel && (status === 'known' || status === 'expected')) {
    // A case that a check has stored names only the revision that was checked.
    it('breaks on no other revision with its IOMMU', () => {
      expect(failsOn(regression), 'npm run remake:cases').toEqual(regression.failsOn);
    });
  }

  if (status === 'fixed') {
    it('breaks on no revision any more', () => {
      expect(failsOn(regression)).toEqual([]);
    });
  }

  if (status === 'known' || file.startsWith('known/')) {
    it('is for the newest revision, and has an explanation', () => {
      expect(status).toBe('known');
      expect(scenario.revision).toBe(NEWEST.id);
      expect(regression.failsOn).toContain(NEWEST.id);
      expect(regression.explanation ?? '').toMatch(/.{40,}\.$/s);
      expect(regression.realistic).toBeDefined();
      expect(file).toBe(`known/${regression.invariant}--${regression.cause}.json`);
    });
  }
});

describe('the known findings', () => {
  const known = cases.filter(({ regression }) => regression.status === 'known');

  it('have one case for each fingerprint', () => {
    const names = known.map(({ regression }) => `${regression.invariant}/${regression.cause}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are for exactly the invariants that the newest revision names in breaks', () => {
    const named = new Set(known.map(({ regression }) => regression.invariant));
    const broken = [...brokenBy(NEWEST.id), ...(RARELY_BROKEN_BY[NEWEST.id] ?? [])];
    expect([...named].toSorted()).toEqual(broken.toSorted());
  });
});

describe.each(Object.entries(SEED_DUMPS))('the dumps of the seed thread: %s', (name, { tree, flat }) => {
  const { scenario } = caseOf(`seed/${name}.json`);
  const revision = revisionOf(scenario);
  const { spaces } = runToTheEnd(scenario, revision);

  it('appear unchanged in the `info mtree` of the model', () => {
    expect(`\n\n${printTree(spaces, revision.mtree, { disabled: false })}`).toContain(`\n\n${tree}\n`);
  });

  it('appear unchanged in the `info mtree -f` of the model', () => {
    const printed = withoutNumbers(printFlatViews(spaces, revision.mtree));
    expect(`\n\n${printed}`).toContain(`\n\n${withoutNumbers(flat)}\n`);
  });
});
