import { describe, expect, it } from 'vitest';
import { deriveSeed } from './derive-seed.ts';

describe('deriveSeed', () => {
  // The path in a stored case finds the case again only if the same text gives the same integer.
  it('gives the same integers as earlier versions', () => {
    expect(['barproof', '', 'k2', '\u{1F980}'].map((seed) => deriveSeed(seed, 'check qemu-11.1')))
      .toMatchInlineSnapshot(`
        [
          724371918,
          1309439013,
          -1316801451,
          1728909713,
        ]
      `);
  });

  it('gives a 32-bit integer for any text', () => {
    for (const seed of ['', ' ', '0', '-1', '\n', '\0', 'ß', 'x'.repeat(100_000)]) {
      const derived = deriveSeed(seed, 'part');
      expect(Number.isInteger(derived)).toBe(true);
      expect(derived | 0).toBe(derived);
    }
  });

  it('gives another integer for another seed, and for another part', () => {
    const derived = ['a', 'b'].flatMap((seed) => ['x', 'y'].map((part) => deriveSeed(seed, part)));
    expect(new Set(derived).size).toBe(4);
  });
});
