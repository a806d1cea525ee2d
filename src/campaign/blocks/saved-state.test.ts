import { describe, expect, it } from 'vitest';
import { notBegun, type CampaignState } from './campaign-state.ts';
import { SavedState } from './saved-state.ts';

const state = (blocks: number): CampaignState => ({
  ...notBegun({ command: 'fuzz', revision: 'qemu-11.1', shard: { number: 1, of: 1 } }),
  blocks,
});

/** The numbers of blocks that are written, from a beginning to an end. */
function writtenBetween(
  first: number,
  last: number,
): { readonly before: number[]; readonly after: number[] } {
  const written: number[] = [];
  const saved = new SavedState({ saveState: ({ blocks }) => void written.push(blocks) }, state(first));
  for (let blocks = first + 1; blocks <= last; blocks++) saved.update(state(blocks));
  const before = [...written];
  saved.finish();
  saved.finish();
  return { before, after: written };
}

describe('SavedState', () => {
  it('writes each of the first blocks', () => {
    expect(writtenBetween(0, 50).before).toEqual(Array.from({ length: 51 }, (_, index) => index));
  });

  it('is at most a fiftieth behind, and writes seldom', () => {
    const { before } = writtenBetween(0, 5000);
    for (const [index, blocks] of before.slice(1).entries()) {
      expect(blocks - before[index]!).toBeLessThanOrEqual(Math.ceil(before[index]! / 50) + 1);
    }
    expect(before.length).toBeLessThan(320);
  });

  it('writes the last state once at the end', () => {
    expect(writtenBetween(1000, 1003)).toEqual({ before: [1000], after: [1000, 1003] });
    expect(writtenBetween(7, 7).after).toEqual([7]);
  });
});
