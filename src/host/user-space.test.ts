import { describe, expect, it } from 'vitest';
import { userSpaceOf } from './user-space.ts';

const KIB = 1024n;

describe('userSpaceOf', () => {
  it('ends a page below 2^47 on x86', () => {
    expect(userSpaceOf('x86', 4n * KIB)).toEqual({ end: 0x7fff_ffff_f000n, endOfMmaps: 0x7fff_ffff_f000n });
  });

  it.each([
    [4n * KIB, 48n],
    [16n * KIB, 47n],
    [64n * KIB, 48n],
  ])('ends at 2^52 on arm64, and mmaps with pages of %i bytes below 2^%i', (page, bits) => {
    expect(userSpaceOf('arm64', page)).toEqual({ end: 1n << 52n, endOfMmaps: 1n << bits });
  });

  it.each([
    [64n * KIB, 52n, 47n],
    [4n * KIB, 46n, 46n],
  ])('with pages of %i bytes ends at 2^%i on POWER, and mmaps below 2^%i', (page, bits, mmapBits) => {
    expect(userSpaceOf('power', page)).toEqual({ end: 1n << bits, endOfMmaps: 1n << mmapBits });
  });
});
