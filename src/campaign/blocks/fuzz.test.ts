import * as fc from 'fast-check';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Scenario } from '../../scenario/index.ts';
import { invariantOfRam, runMachine, unitsOf, withRam } from '../testing/machines-of-ram.ts';
import { CampaignFolder } from './campaign-folder.ts';
import { fuzz, BLOCK_CASES, type FuzzOptions, type FuzzResult, type Workers } from './fuzz.ts';
import { runBlock, type Judging } from './run-block.ts';
import { shrinkDiscovery, shrinkKept } from './shrink-discovery.ts';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'fuzz-'))));
afterEach(() => rmSync(root, { recursive: true }));

/** Breaks in each block, in the last block alone, and while another cause is shrunk. */
const JUDGING: Judging = {
  run: runMachine,
  invariants: [
    invariantOfRam('flat-minimal', (units) => (units % 400 === 399 ? 'often' : undefined)),
    invariantOfRam('no-abort', (units) => (units === 2345 ? 'late' : undefined)),
    invariantOfRam('map-aligned', (units) => (units < 399 && units > 390 ? 'near-miss' : undefined)),
  ],
  forgiven: () => undefined,
};

/** The case `number` of a campaign has `1000 + number` units of RAM: no case has less than 1000. */
const casesOf = (block: number, size: number) => {
  let next = 0;
  return { next: () => (next < size ? withRam(1000 + block * BLOCK_CASES + next++) : undefined) };
};

function* simplify(scenario: Scenario): Generator<Scenario> {
  const units = unitsOf(scenario);
  for (const smaller of [units - 400, units - 1]) if (smaller > 0) yield withRam(smaller);
}

/** Workers that take so many turns of the event loop for each order before they answer. */
function workersOf(jobs: number, delays: readonly number[], signal = new AbortController().signal): Workers {
  let orders = 0;
  const delay = async (): Promise<void> => {
    const turns = delays[orders++ % delays.length]!;
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
  };
  return {
    jobs,
    runBlock: async ({ number, size }, onDiscovery) => {
      await delay();
      const cases = casesOf(number, size);
      return runBlock({ ...JUDGING, number, cases, classify: () => [], onDiscovery, signal });
    },
    shrink: async (discovery) => {
      await delay();
      return shrinkDiscovery(discovery, { ...JUDGING, simplify, repetitions: 0, signal });
    },
    shrinkKept: async (kept) => {
      await delay();
      return shrinkKept(kept, { ...JUDGING, simplify, repetitions: 0, signal });
    },
  };
}

const PLAN = { revision: 'qemu-11.1', blockCases: BLOCK_CASES, seed: 's', runs: 2500, command: 'c' };

interface Told {
  readonly result: FuzzResult;
  readonly lines: readonly string[];
  readonly files: Record<string, string>;
}

async function run(name: string, workers: Workers, more: Partial<FuzzOptions> = {}): Promise<Told> {
  const folder = new CampaignFolder(join(root, name));
  const lines: string[] = [];
  const plan = { ...PLAN, shard: { number: 1, of: 1 } };
  const result = await fuzz({
    plan,
    workers,
    folder,
    version: '1',
    date: '2026-01-01',
    onFinding: ({ cause, block, case: number }, file) => lines.push(`${cause} ${block} ${number} ${file}`),
    onProgress: () => undefined,
    ...more,
  });
  return { result, lines, files: textsIn(folder.directory) };
}

function textsIn(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, encoding: 'utf8', withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files.toSorted().map((file) => [file.slice(directory.length), readFileSync(file, 'utf8')]),
  );
}

describe('a campaign', () => {
  it('finds the first case of each cause, shrinks it, and keeps near misses', async () => {
    const { result, lines } = await run('a', workersOf(1, [0]));
    expect(lines).toEqual([
      expect.stringMatching(/^often 0 199 findings/),
      expect.stringMatching(/^late 1 345 findings/),
      expect.stringMatching(/^near-miss 0 199 findings/),
    ]);
    const units = result.findings.map(({ regression }) => [regression.cause, unitsOf(regression.scenario)]);
    expect(Object.fromEntries(units)).toEqual({ often: 399, late: 2345, 'near-miss': 391 });
    expect(result.tally.cases).toBe(2500);
    expect(result.isComplete).toBe(true);
    expect(Object.fromEntries(result.tally.by.found)).toEqual({
      'flat-minimal/often@nowhere': 6,
      'no-abort/late@nowhere': 1,
    });
  });

  it('gives the same with any number of workers, however long each takes', async () => {
    const expected = await run('one', workersOf(1, [0]));
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }),
        fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 3, maxLength: 7 }),
        async (jobs, delays) => {
          const { files, lines } = await run(`many-${count++}`, workersOf(jobs, delays));
          expect({ files, lines }).toEqual({ files: expected.files, lines: expected.lines });
        },
      ),
      { numRuns: 5 },
    );
  }, 60_000);

  it('would differ if findings were told as they come: a later block may be faster', async () => {
    const told: string[] = [];
    const workers = workersOf(2, [400, 0]);
    const telling: Workers = {
      ...workers,
      runBlock: (order, onDiscovery) =>
        workers.runBlock(order, (discovery) => {
          told.push(`${discovery.cause} ${discovery.block}`);
          onDiscovery(discovery);
        }),
    };
    const { lines } = await run('told', telling);
    expect(told[0]).toBe('late 1');
    expect(lines[0]).toMatch(/^often 0/);
  }, 60_000);

  it('is joined from its parts, in any order', async () => {
    const whole = await run('whole', workersOf(1, [0]));
    const parts: CampaignFolder[] = [];
    for (const number of [1, 2]) {
      const part = `part-${number}`;
      await run(part, workersOf(1, [0]), { plan: { ...PLAN, shard: { number, of: 2 } } });
      parts.push(new CampaignFolder(join(root, part)));
    }
    const all = new CampaignFolder(join(root, 'all'));
    for (const part of parts.toReversed()) all.add(part);
    const findings = (files: Record<string, string>) =>
      Object.entries(files).filter(([file]) => file.startsWith('/findings'));
    expect(findings(textsIn(all.directory))).toEqual(findings(whole.files));
    const cases = all.states().map(({ tally }) => tally.cases);
    expect(cases.toSorted()).toEqual([1000, 1500]);
  }, 60_000);

  it('goes on after an interrupt, and ends with what an uninterrupted one has', async () => {
    const whole = await run('whole', workersOf(1, [0]));
    const end = new AbortController();
    const blocks = 1;
    const cut = await run('cut', workersOf(2, [0, 3], end.signal), {
      signal: end.signal,
      onProgress: (cases) => void (cases >= blocks * BLOCK_CASES && end.abort()),
    });
    expect(cut.result.isComplete).toBe(false);
    expect(cut.files).not.toEqual(whole.files);
    const rest = await run('cut', workersOf(1, [0]));
    expect(rest.result).toMatchObject({ isComplete: true, before: 1000 });
    expect(rest.files).toEqual(whole.files);
    const again = await run('cut', workersOf(1, [0]));
    expect(again).toMatchObject({ lines: [], result: { before: 2500 } });
  }, 60_000);

  it('stores the simplest scenario of each behaviour that the cases learn of', async () => {
    const workers = workersOf(1, [0]);
    const learned: boolean[] = [];
    const learning: Workers = {
      ...workers,
      runBlock: ({ number, size }) => {
        const cases = {
          ...casesOf(number, size),
          learn: (_: Scenario, isNew: boolean) => learned.push(isNew),
        };
        return runBlock({ ...JUDGING, number, cases, classify: () => [] });
      },
    };
    await run('guided', learning);
    expect(learned).toHaveLength(2500);
    const folder = new CampaignFolder(join(root, 'guided'));
    // What every machine does, what breaks often, and what breaks late.
    expect(
      folder
        .scenarios()
        .map(unitsOf)
        .toSorted((a, b) => a - b),
    ).toEqual([1, 399, 2345]);
    await run('plain', workers);
    expect(new CampaignFolder(join(root, 'plain')).scenarios()).toEqual([]);
  }, 60_000);

  it('notes a part without a block as complete', async () => {
    const plan = { ...PLAN, runs: 1000, shard: { number: 2, of: 2 } };
    const { result } = await run('empty', workersOf(1, [0]), { plan });
    expect(result).toMatchObject({ isComplete: true, tally: { cases: 0 } });
    expect(new CampaignFolder(join(root, 'empty')).states().map(({ shard }) => shard)).toEqual([plan.shard]);
  });
});
