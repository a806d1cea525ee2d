import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { invariantOfRam, runMachine, withRam } from '../testing/machines-of-ram.ts';
import { CampaignFolder } from './campaign-folder.ts';
import type { Workers } from './fuzz.ts';
import { prove } from './prove.ts';
import { runBlock } from './run-block.ts';

/** Workers on a scope whose scenario `number` has `number + 1` units of RAM; those in `broken` break an invariant. */
const workersOf = (jobs: number, broken: readonly number[], ran: number[] = []): Workers => ({
  jobs,
  runBlock: async ({ number, size }) => {
    // The later a block, the sooner it ends.
    for (let turn = number; turn < 10; turn++) await new Promise(setImmediate);
    ran.push(number);
    let next = number * 1000;
    const end = next + size;
    return runBlock({
      run: runMachine,
      invariants: [
        invariantOfRam('no-abort', (units) => (broken.includes(units - 1) ? 'broken' : undefined)),
      ],
      forgiven: () => undefined,
      number,
      cases: { next: () => (next < end ? withRam(++next) : undefined) },
      classify: () => [],
    });
  },
  shrink: () => Promise.reject(new Error('a proof shrinks nothing')),
  shrinkKept: () => Promise.reject(new Error('a proof keeps nothing')),
});

const plan = { revision: 'qemu-11.1', size: 3500, shard: { number: 1, of: 1 }, command: 'prove' };
const onProgress = (): void => undefined;

describe('a proof', () => {
  it('runs every scenario of the scope', async () => {
    const { tally, counterexamples, size } = await prove({ plan, workers: workersOf(1, []), onProgress });
    expect({ cases: tally.cases, counterexamples, size }).toEqual({
      cases: 3500,
      counterexamples: [],
      size: 3500,
    });
  });

  it.each([1, 2, 3])('gives the first counterexample of several with %d workers', async (jobs) => {
    const { tally, counterexamples } = await prove({
      plan,
      workers: workersOf(jobs, [3000, 1500, 1200]),
      onProgress,
    });
    expect(counterexamples.map(({ block, case: number }) => [block, number])).toEqual([[1, 200]]);
    expect(tally.cases).toBe(2000);
  });

  it('would miss one scenario if a block were a case too short', async () => {
    const { counterexamples } = await prove({ plan, workers: workersOf(1, [3499]), onProgress });
    expect(counterexamples).toHaveLength(1);
    const short = { ...plan, size: 3499 };
    const { counterexamples: none } = await prove({ plan: short, workers: workersOf(1, [3499]), onProgress });
    expect(none).toEqual([]);
  });

  it('has in its parts every scenario once', async () => {
    const sizes: number[] = [];
    for (const number of [1, 2, 3]) {
      const part = { ...plan, shard: { number, of: 3 } };
      const { tally, size } = await prove({ plan: part, workers: workersOf(1, []), onProgress });
      expect(tally.cases).toBe(size);
      sizes.push(size);
    }
    expect(sizes).toEqual([1500, 1000, 1000]);
  });

  it('goes on behind the blocks that an interrupted one has run', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'prove-'));
    try {
      const folder = new CampaignFolder(directory);
      const end = new AbortController();
      const first = await prove({
        plan,
        workers: workersOf(1, []),
        folder,
        signal: end.signal,
        onProgress: (cases) => void (cases >= 2000 && end.abort()),
      });
      // The third block had begun, and this worker hears of no signal.
      expect(first.tally.cases).toBe(3000);
      const ran: number[] = [];
      const { tally } = await prove({ plan, workers: workersOf(1, [], ran), folder, onProgress });
      expect({ ran, cases: tally.cases }).toEqual({ ran: [3], cases: 3500 });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
