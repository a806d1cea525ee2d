import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeRegression, formatRegression, isCaseFile, type Regression } from '../src/campaign/index.ts';
import { brokenBy, fingerprintText, violationsOf } from '../src/invariants/index.ts';
import { printFlatViews, printTree } from '../src/memory/index.ts';
import type { Scenario } from '../src/scenario/index.ts';
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
  // Those of patches fail on what a patch makes of a revision: properties/known-bugs.test.ts.
  .filter((file) => !file.startsWith('bugs/'))
  .toSorted()
  .map((file) => {
    const text = readFileSync(`${FOLDER}${file}`, 'utf8');
    return { file, text, regression: decodeRegression(JSON.parse(text)) };
  });

const caseOf = (file: string): Regression => cases.find((stored) => stored.file === file)!.regression;

const revisionOf = (scenario: Scenario): AnyRevision => findAnyRevision(scenario.revision)!;

const fingerprintsOf = (trace: Trace): string[] => violationsOf(trace).map(fingerprintText);

/** A DMA request as the files have it: `step op iova size [read-only] [errno N]`. */
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

it('finds the stored cases of every folder', () => {
  const folders = new Set(cases.map(({ file }) => file.split('/')[0]));
  expect(folders).toContain('seed');
  expect(folders).toContain('known');
  expect(cases.length).toBeGreaterThanOrEqual(24);
});

describe.each(cases)('$file', ({ file, text, regression }) => {
  const { scenario, observed, status } = regression;
  // What a check has seen of a real VMM is not the model's to show.
  const ofModel = observed.target === undefined;

  it('is in its canonical form', () => {
    expect(formatRegression(regression)).toBe(text);
  });

  it('names revisions that there are, each once, in their order, and one that has its IOMMU', () => {
    expect(revisionOf(scenario).iommus).toContain(scenario.host.iommu.type);
    const order = ALL_REVISIONS.map(({ id }) => id);
    expect(regression.failsOn).toEqual(order.filter((id) => regression.failsOn.includes(id)));
  });

  it.runIf(ofModel)('does on its own revision what is stored', () => {
    const trace = runOnModel(scenario, revisionOf(scenario));
    expect(trace.outcome).toBe(observed.outcome);
    expect(fingerprintsOf(trace)).toEqual(observed.violations);
    if (observed.dma !== undefined) expect(dmaLines(trace)).toEqual(observed.dma);
  });

  it('is about a break with invariant and cause, or about none', () => {
    expect(regression.invariant === undefined).toBe(regression.cause === undefined);
    if (regression.invariant === undefined) expect(regression.failsOn).toEqual([]);
    else if (regression.failsOn.includes(scenario.revision))
      expect(observed.violations).toContain(`${regression.invariant}/${regression.cause}`);
  });

  if (regression.invariant !== undefined && ofModel) {
    it('breaks on every revision that it names', () => {
      const broken = failsOn(regression);
      for (const id of regression.failsOn) expect(broken).toContain(id);
    });
  }

  if (regression.invariant !== undefined && ofModel && (status === 'known' || status === 'expected')) {
    // What a check has stored names the revision that was checked; nobody has looked at the others yet.
    it('breaks on no other revision that has its IOMMU', () => {
      expect(failsOn(regression), 'npm run remake:cases').toEqual(regression.failsOn);
    });
  }

  if (status === 'fixed') {
    it('breaks nowhere any more', () => {
      expect(failsOn(regression)).toEqual([]);
    });
  }

  if (status === 'known' || file.startsWith('known/')) {
    it("is the newest revision's own, and explained", () => {
      expect(status).toBe('known');
      expect(scenario.revision).toBe(NEWEST.id);
      expect(regression.failsOn).toContain(NEWEST.id);
      expect(regression.explanation ?? '').toMatch(/.{40,}\.$/s);
      expect(file).toBe(`known/${regression.invariant}--${regression.cause}.json`);
    });
  }
});

describe('the known findings', () => {
  const known = cases.filter(({ regression }) => regression.status === 'known');

  it('are one a fingerprint', () => {
    const names = known.map(({ regression }) => `${regression.invariant}/${regression.cause}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are all of invariants that the newest revision is said to break', () => {
    const named = new Set(known.map(({ regression }) => regression.invariant));
    expect([...named].toSorted()).toEqual(brokenBy(NEWEST.id).toSorted());
  });
});

describe.each(Object.entries(SEED_DUMPS))('the dumps of the seed thread: %s', (name, { tree, flat }) => {
  const { scenario } = caseOf(`seed/${name}.json`);
  const revision = revisionOf(scenario);
  const { spaces } = runToTheEnd(scenario, revision);

  it('stand in `info mtree` as they are', () => {
    expect(`\n\n${printTree(spaces, revision.mtree, { disabled: false })}`).toContain(`\n\n${tree}\n`);
  });

  it('stand in `info mtree -f` as they are', () => {
    const printed = withoutNumbers(printFlatViews(spaces, revision.mtree));
    expect(`\n\n${printed}`).toContain(`\n\n${withoutNumbers(flat)}\n`);
  });
});
