import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inOrder } from './in-order.ts';

/** Waits for so many turns of the event loop. */
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

const DELAYS = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 20 });

describe('inOrder', () => {
  it('yields the results in the order of the items, also when later work ends first', async () => {
    let outOfOrder = 0;
    await fc.assert(
      fc.asyncProperty(DELAYS, fc.integer({ min: 1, max: 4 }), async (delays, jobs) => {
        const ended: number[] = [];
        const results = await collect(
          inOrder(delays.keys(), jobs, async (item) => {
            await turns(delays[item]!);
            ended.push(item);
            return item;
          }),
        );
        expect(results).toEqual([...delays.keys()]);
        // What ends first is not always what was begun first: else this test would show nothing.
        if (ended.join() !== results.join()) outOfOrder++;
      }),
      { numRuns: 50 },
    );
    expect(outOfOrder).toBeGreaterThan(10);
  });

  it('works on as many items at a time as there are jobs, and on no more', async () => {
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await turns(3);
      running--;
    };
    await collect(inOrder(Array.from({ length: 20 }), 3, work));
    expect(most).toBe(3);
  });

  it('begins no more items than may wait for a slow first one', async () => {
    let begun = 0;
    let free = (): void => undefined;
    const first = new Promise<void>((resolve) => (free = resolve));
    const results = inOrder(Array.from({ length: 1000 }).keys(), 2, async (item) => {
      begun++;
      if (item === 0) await first;
    });
    const all = collect(results);
    await turns(50);
    expect(begun).toBe(8);
    free();
    expect(await all).toHaveLength(1000);
  });

  it('throws a failure in the turn of its item', async () => {
    const seen: number[] = [];
    const results = inOrder([0, 1, 2], 3, async (item) => {
      await turns(item === 0 ? 3 : 0);
      if (item === 1) throw new Error('the second fails');
      return item;
    });
    await expect(
      (async () => {
        for await (const result of results) seen.push(result);
      })(),
    ).rejects.toThrow('the second fails');
    expect(seen).toEqual([0]);
  });
});
