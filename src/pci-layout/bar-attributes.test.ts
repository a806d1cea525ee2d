import { describe, expect, it } from 'vitest';
import { barFlags } from './bar-attributes.ts';

describe('barFlags', () => {
  it.each([
    ['io', false, 0b0001],
    ['io', true, 0b0001],
    ['mem32', false, 0b0000],
    ['mem32', true, 0b1000],
    ['mem64', false, 0b0100],
    ['mem64', true, 0b1100],
  ] as const)('of a BAR of type %s, prefetchable %s, are %i', (type, prefetchable, flags) => {
    expect(barFlags({ type, prefetchable })).toBe(flags);
  });
});
