import { describe, expect, it } from 'vitest';
import { iova, LAST_ADDRESS } from '../address/index.ts';
import { Errno } from './errno.ts';
import { chooseIova, type IovaChoice } from './iova-choice.ts';

const P = 0x1000n;
const MIB = 1n << 20n;
const choose = (more: Partial<IovaChoice>) =>
  chooseIova({
    ...{ size: P, memory: 1n << 40n, alignment: 1n, hostPageSize: P, apertures: [], taken: [] },
    ...more,
  });
const chosen = (value: bigint) => ({ errno: 0, iova: value });

describe('chooseIova', () => {
  it('aligns to the length, the address and a huge page, whichever is smallest (host fact R2.2.7)', () => {
    expect(choose({})).toEqual(chosen(P));
    expect(choose({ size: 3n * P })).toEqual(chosen(4n * P));
    expect(choose({ size: 3n * P, memory: 2n * P })).toEqual(chosen(2n * P));
    expect(choose({ size: 64n * MIB })).toEqual(chosen(2n * MIB));
    expect(choose({ size: 64n * MIB, memory: 0n })).toEqual(chosen(2n * MIB));
    expect(choose({ size: 64n * MIB, hostPageSize: 16n * P })).toEqual(chosen(64n * MIB));
  });

  it('keeps the place in the page (host fact R2.2.7)', () => {
    expect(choose({ size: 0x10n, memory: 0x1234n })).toEqual(chosen(0x1234n));
    expect(choose({ size: 0x10n, memory: 0x1234n, alignment: 8n })).toEqual({
      errno: Errno.EINVAL,
      iova: 0n,
    });
    expect(choose({ size: 0x10n, memory: 0x1234n, alignment: 4n })).toEqual(chosen(0x1234n));
  });

  it('takes the lowest hole with room among ranges and mappings', () => {
    const taken = [
      { start: 0n, end: 2n * P },
      { start: 4n * P, end: 6n * P },
    ];
    expect(choose({ taken, size: 2n * P })).toEqual(chosen(2n * P));
    expect(choose({ taken, size: 3n * P, memory: P })).toEqual(chosen(6n * P));
    const apertures = [
      { first: iova(0n), last: iova(4n * P - 1n) },
      { first: iova(8n * P), last: iova(9n * P - 1n) },
    ];
    expect(choose({ taken, apertures, size: P })).toEqual(chosen(2n * P));
    expect(choose({ taken: [{ start: 0n, end: 4n * P }], apertures })).toEqual(chosen(8n * P));
    expect(choose({ taken, apertures, size: 4n * P })).toEqual({ errno: Errno.ENOSPC, iova: 0n });
  });

  it('leaves the first page and the last free (host fact R2.2.9)', () => {
    const taken = [{ start: P, end: LAST_ADDRESS - 2n * P + 1n }];
    expect(choose({ taken })).toEqual(chosen(LAST_ADDRESS - 2n * P + 1n));
    expect(choose({ taken: [{ start: 0n, end: LAST_ADDRESS - P + 1n }] }).errno).toBe(Errno.ENOSPC);
  });

  it('refuses half the space (host fact I12)', () => {
    expect(choose({ size: (1n << 63n) - 1n }).errno).toBe(Errno.EOVERFLOW);
    expect(choose({ size: (1n << 63n) - 2n })).toEqual(chosen(2n * MIB));
  });
});
