import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocksOf, parseShard, shardOfEnvironment, shardText, WHOLE } from './shard.ts';

/** Whether shards of these blocks have each block exactly once. */
const isPartition = (parts: readonly (readonly number[])[], end: number): boolean => {
  const all = parts.flat().toSorted((a, b) => a - b);
  return all.length === end && all.every((block, index) => block === index);
};

describe('blocksOf', () => {
  it('gives each block to exactly one shard', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 100 }), (of, end) => {
        const parts = Array.from({ length: of }, (_, index) => [...blocksOf({ number: index + 1, of }, end)]);
        expect(isPartition(parts, end)).toBe(true);
      }),
    );
  });

  it('is told from a split into ranges that round up, which has a block twice or none', () => {
    const rounding = [0, 1, 2].map((part) => {
      const size = Math.ceil(10 / 3);
      return Array.from({ length: size }, (_, index) => part * size + index);
    });
    expect(isPartition(rounding, 10)).toBe(false);
  });

  it('goes on without an end', () => {
    const blocks = blocksOf({ number: 2, of: 3 }, Infinity);
    expect([blocks.next().value, blocks.next().value, blocks.next().value]).toEqual([1, 4, 7]);
  });
});

describe('parseShard', () => {
  it('reads what shardText writes', () => {
    expect(parseShard(shardText({ number: 3, of: 8 }))).toEqual({ number: 3, of: 8 });
  });

  it.each(['0/4', '5/4', '1/0', '1', '', 'a/b', '1/4/2', '-1/4', '1/1000001', '1.5/4'])(
    'refuses %j',
    (text) => {
      expect(parseShard(text)).toBeUndefined();
    },
  );
});

describe('shardOfEnvironment', () => {
  it.each([
    ['no scheduler', {}, WHOLE],
    ['a scheduler without a number', { CI_NODE_TOTAL: '1' }, WHOLE],
    ['Kubernetes', { JOB_COMPLETION_INDEX: '0', BARPROOF_SHARDS: '4' }, { number: 1, of: 4 }],
    ['Kubernetes, last pod', { JOB_COMPLETION_INDEX: '3', BARPROOF_SHARDS: '4' }, { number: 4, of: 4 }],
    ['GitHub', { BARPROOF_SHARD_INDEX: '1', BARPROOF_SHARDS: '3' }, { number: 2, of: 3 }],
    ['GitLab', { CI_NODE_INDEX: '2', CI_NODE_TOTAL: '5' }, { number: 2, of: 5 }],
    ['Slurm', slurm('0', '4', '0'), { number: 1, of: 4 }],
    ['Slurm from 1', slurm('4', '4', '1'), { number: 4, of: 4 }],
    ['Slurm by tens', { ...slurm('30', '4', '10'), SLURM_ARRAY_TASK_STEP: '10' }, { number: 3, of: 4 }],
    [
      "the user's own",
      { ...slurm('0', '4', '0'), BARPROOF_SHARD_INDEX: '1', BARPROOF_SHARDS: '2' },
      { number: 2, of: 2 },
    ],
  ])('reads the shard of %s', (_, variables, expected) => {
    expect(shardOfEnvironment(variables)).toEqual(expected);
  });

  it.each([
    ['how many pods there are', { JOB_COMPLETION_INDEX: '0' }, /set BARPROOF_SHARDS/],
    ['a number', { CI_NODE_INDEX: 'x', CI_NODE_TOTAL: '2' }, /expected a whole number, found "x"/],
    ['a pod that exists', { JOB_COMPLETION_INDEX: '4', BARPROOF_SHARDS: '4' }, /among those/],
    ['a job from 1', { CI_NODE_INDEX: '0', CI_NODE_TOTAL: '4' }, /among those/],
    ['a task of the array', { ...slurm('15', '4', '10'), SLURM_ARRAY_TASK_STEP: '10' }, /among those/],
  ])('asks for %s', (_, variables, message) => {
    expect(() => shardOfEnvironment(variables)).toThrow(message);
  });
});

function slurm(id: string, count: string, first: string): Record<string, string> {
  return {
    SLURM_ARRAY_TASK_ID: id,
    SLURM_ARRAY_TASK_COUNT: count,
    SLURM_ARRAY_TASK_MIN: first,
  };
}
