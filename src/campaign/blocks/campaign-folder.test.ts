import * as fc from 'fast-check';
import { mkdtempSync, readdirSync, readFileSync, rmSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../../scenario/index.ts';
import type { Regression } from '../regression.ts';
import { CampaignFolder } from './campaign-folder.ts';
import { notBegun, type CampaignState } from './campaign-state.ts';
import type { StoredFinding } from './stored-finding.ts';
import { Tallying } from './tally.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'campaign-folder-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const scenarioOf = (pages: number): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: 0x10000 * pages },
    revision: 'qemu-11.1',
    host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
    devices: [],
  });

const regressionOf = (cause: string, path: string, seed: number, pages: number): Regression => ({
  schema: 1,
  invariant: 'map-aligned',
  cause,
  title: 'a case',
  status: 'open',
  expected: 'what holds',
  observed: { outcome: 'ok', violations: [] },
  failsOn: ['qemu-11.1'],
  provenance: { source: 'a test', seed, path },
  scenario: scenarioOf(pages),
});

const FINDINGS: fc.Arbitrary<StoredFinding> = fc
  .record({
    cause: fc.constantFrom('a', 'b'),
    place: fc.constantFrom('bar', 'nowhere'),
    miss: fc.boolean(),
    block: fc.integer({ min: 0, max: 1 }),
    word: fc.constantFrom('shrunk', 'shrinking'),
    steps: fc.integer({ min: 0, max: 1 }),
    seed: fc.integer({ min: 0, max: 1 }),
    pages: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ cause, place, miss, block, word, steps, seed, pages }) => {
    const path = `${miss ? 'near miss of ' : ''}block ${block} case 0, ${word} after ${steps} steps`;
    return { place, regression: regressionOf(cause, path, seed, pages) } as const;
  });

const STATES: fc.Arbitrary<CampaignState> = fc
  .record({
    command: fc.constantFrom('first', 'second'),
    number: fc.integer({ min: 1, max: 2 }),
    blocks: fc.integer({ min: 0, max: 3 }),
    cases: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ command, number, blocks, cases }) => {
    const tally = new Tallying();
    tally.cases = cases;
    tally.count('outcomes', 'ok', cases);
    const state = notBegun({ command, revision: 'qemu-11.1', shard: { number, of: 2 } });
    return { ...state, blocks, tally, growth: [[cases, blocks]] };
  });

const CONTENTS = fc.record({
  findings: fc.array(FINDINGS, { maxLength: 3 }),
  states: fc.array(STATES, { maxLength: 2 }),
  pages: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
});
type Contents = typeof CONTENTS extends fc.Arbitrary<infer T> ? T : never;

let folders = 0;
const makeFolder = ({ findings, states, pages }: Contents): CampaignFolder => {
  const made = new CampaignFolder(join(folder, String(folders++)));
  for (const finding of findings) made.saveFinding(finding);
  for (const state of states) made.saveState(state);
  for (const count of pages) made.saveScenario(scenarioOf(count));
  return made;
};

const merged = (...parts: readonly CampaignFolder[]): CampaignFolder => {
  const all = new CampaignFolder(join(folder, String(folders++)));
  for (const part of parts) all.add(part);
  return all;
};

/** The names and texts of all files of a folder. */
function textsOf({ directory }: CampaignFolder): Record<string, string> {
  mkdirSync(directory, { recursive: true });
  const entries = readdirSync(directory, { recursive: true, encoding: 'utf8', withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files.toSorted().map((file) => [file.slice(directory.length), readFileSync(file, 'utf8')]),
  );
}

describe('the merge of folders of campaigns', () => {
  it('is the same in any order, in any grouping, and when a folder comes twice', () => {
    let conflicts = 0;
    fc.assert(
      fc.property(CONTENTS, CONTENTS, CONTENTS, (first, second, third) => {
        const [a, b, c] = [makeFolder(first), makeFolder(second), makeFolder(third)];
        const expected = textsOf(merged(a, b, c));
        expect(textsOf(merged(c, b, a))).toEqual(expected);
        expect(textsOf(merged(a, merged(b, c)))).toEqual(expected);
        expect(textsOf(merged(a, b, a, c))).toEqual(expected);
        // The last writer does not always win: to copy the files of one folder over another would not do.
        const copied = { ...textsOf(a), ...textsOf(b), ...textsOf(c) };
        if (JSON.stringify(copied) !== JSON.stringify({ ...copied, ...expected })) conflicts++;
      }),
      { numRuns: 15 },
    );
    expect(conflicts).toBeGreaterThan(2);
  }, 60_000);
});

describe('a folder of campaigns', () => {
  const finding = (path: string, pages = 1): StoredFinding => ({
    place: 'bar',
    regression: regressionOf('a', path, 1, pages),
  });

  it.each([
    [
      'a shrunk case to the same case before',
      'block 1 case 2, shrinking after 0 steps',
      'block 1 case 2, shrunk after 3 steps',
    ],
    [
      'an earlier case to a later one',
      'block 1 case 2, shrunk after 3 steps',
      'block 0 case 9, shrinking after 0 steps',
    ],
    [
      'a case to a near miss',
      'near miss of block 0 case 1, shrunk after 3 steps',
      'block 8 case 1, shrinking after 0 steps',
    ],
    ['a case of a campaign to one of no campaign', 'elsewhere', 'block 8 case 1, shrinking after 0 steps'],
  ])('prefers %s', (_, worse, better) => {
    for (const order of [
      [worse, better],
      [better, worse],
    ]) {
      const store = new CampaignFolder(join(folder, order.join()));
      for (const path of order) store.saveFinding(finding(path));
      expect(store.findings().map(({ regression }) => regression.provenance.path)).toEqual([better]);
    }
  });

  it('reads what it has stored', () => {
    const store = new CampaignFolder(folder);
    const stored = finding('block 0 case 0, shrunk after 1 steps');
    const file = store.saveFinding(stored);
    expect(store.findings()).toEqual([{ ...stored, file }]);
    const plan = { command: 'c', revision: 'qemu-11.1', shard: { number: 2, of: 3 } };
    expect(store.stateOf(plan)).toEqual(notBegun(plan));
    const tally = new Tallying();
    tally.count('skips', 'top-half', 7);
    const state: CampaignState = { ...notBegun(plan), blocks: 4, tally: tally.plain(), growth: [[1000, 5]] };
    store.saveState(state);
    expect(store.stateOf(plan)).toEqual(state);
    store.saveState({ ...state, blocks: 3 });
    expect(store.states()).toEqual([state]);
    store.saveScenario(scenarioOf(2));
    store.saveScenario(scenarioOf(2));
    expect(store.scenarios()).toEqual([scenarioOf(2)]);
  });

  it('has nothing where there is no folder', () => {
    const store = new CampaignFolder(join(folder, 'nowhere'));
    expect([store.findings(), store.states(), store.scenarios()]).toEqual([[], [], []]);
  });

  it('names each file that it cannot read, and what is wrong in it', () => {
    mkdirSync(join(folder, 'states'));
    writeFileSync(join(folder, 'states', 'a.json'), '{"schema":1,"shard":"3/2","blocks":-1}');
    writeFileSync(join(folder, 'states', 'b.json'), '{');
    const read = (): unknown => new CampaignFolder(folder).states();
    expect(read).toThrow(/a\.json: shard/);
    expect(read).toThrow(/a\.json: blocks/);
    expect(read).toThrow(/b\.json/);
    mkdirSync(join(folder, 'findings'));
    writeFileSync(join(folder, 'findings', 'a.json'), '{}');
    expect(() => new CampaignFolder(folder).findings()).toThrow(/expected a name that ends with @/);
    writeFileSync(join(folder, 'findings', 'a.json'), '{}');
    expect(() => new CampaignFolder(join(folder, 'states', 'a.json')).states()).toThrow(
      /not a folder of campaigns/,
    );
  });
});
