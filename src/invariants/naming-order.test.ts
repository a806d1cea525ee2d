import { expect, it } from 'vitest';
import { namingOrder } from './naming-order.ts';

it.each([
  [0, 'memslot-complete', 'ram-without-slot'],
  [0, 'no-abort', 'dma-map-ram-EINVAL'],
  [0, 'no-abort', 'dma-map-ram'],
  [0, 'ram-reachable', 'not-mapped'],
  [1, 'ram-reachable', 'unexplained'],
  [1, 'ram-reachable', 'left-out'],
  [1, 'ram-reachable', 'wrong-reason'],
  [1, 'ram-reachable', 'partly-mapped'],
  [1, 'memslot-complete', 'bar-without-slot'],
  // A fragment is no RAM.
  [1, 'map-aligned', 'bar-fragment-unaligned'],
  [2, 'memslot-complete', 'flash-without-slot'],
] as const)('%i is the naming order of %s/%s', (order, invariant, cause) => {
  expect(namingOrder({ invariant, cause })).toBe(order);
});
