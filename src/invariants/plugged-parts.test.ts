import { expect, it } from 'vitest';
import type { Range } from '../address/index.ts';
import { pluggedParts } from './plugged-parts.ts';
import { PAGE, RAM, flat } from './testing/index.ts';

/** A virtio-mem of which the range shows four pages, from page 16 of the region on. */
const VIRTIO_MEM = { ...RAM, name: 'mem', discards: {} };
const [START, OFFSET, SIZE] = [64n * PAGE, 16n * PAGE, 4n * PAGE];
const SHOWN = flat(START, SIZE, VIRTIO_MEM, { offset: OFFSET });

/** The parts at which the guest has memory, in pages from the start of the range. */
const parts = (...plugged: readonly (readonly [first: bigint, end: bigint])[]) => {
  const ranges: Range[] = plugged.map(([first, end]) => ({ start: first * PAGE, end: end * PAGE }));
  return pluggedParts(SHOWN, new Map([['mem', ranges]]) as never).map(({ start, end }) => [
    (start - START) / PAGE,
    (end - START) / PAGE,
  ]);
};

it('a guest has all of a range that is no virtio-mem', () => {
  const ram = flat(0n, PAGE);
  expect(pluggedParts(ram, undefined)).toEqual([ram]);
  expect(pluggedParts(ram, new Map([['ram', []]]) as never)).toEqual([ram]);
});

it('a guest has nothing of a virtio-mem without a plugged part', () => {
  expect(pluggedParts(SHOWN, undefined)).toEqual([]);
  expect(pluggedParts(SHOWN, new Map() as never)).toEqual([]);
  expect(parts()).toEqual([]);
});

it('a guest has the plugged parts of a virtio-mem as far as the range shows them', () => {
  expect(parts([16n, 20n])).toEqual([[0n, 4n]]);
  expect(parts([0n, 64n])).toEqual([[0n, 4n]]);
  expect(parts([17n, 18n], [19n, 20n])).toEqual([
    [1n, 2n],
    [3n, 4n],
  ]);
  expect(parts([10n, 17n], [19n, 30n])).toEqual([
    [0n, 1n],
    [3n, 4n],
  ]);
  expect(parts([10n, 16n], [20n, 24n])).toEqual([]);
});
