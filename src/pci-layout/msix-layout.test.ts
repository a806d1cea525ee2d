import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import {
  locator,
  msixPbaRange,
  msixPbaSize,
  msixTableRange,
  msixTableSize,
  splitLocator,
} from './msix-layout.ts';

describe('msixTableSize and msixPbaSize', () => {
  it.each([
    [1, 16n, 8n],
    [63, 1008n, 8n],
    [64, 1024n, 8n],
    [65, 1040n, 16n],
    [96, 1536n, 16n],
    [128, 2048n, 16n],
    [129, 2064n, 24n],
    [2047, 32752n, 256n],
    [2048, 32768n, 256n],
  ])('of %i vectors are %i and %i bytes', (vectors, table, pba) => {
    expect(msixTableSize(vectors)).toBe(table);
    expect(msixPbaSize(vectors)).toBe(pba);
  });
});

describe('msixTableRange and msixPbaRange', () => {
  it('begin at the offset and have the size of the table and of the PBA', () => {
    const layout = { vectors: 65, tableOffset: offset(0xe000n), pbaOffset: offset(0xffff_fff8n) };
    expect(msixTableRange(layout)).toEqual({ start: 0xe000n, end: 0xe410n });
    expect(msixPbaRange(layout)).toEqual({ start: 0xffff_fff8n, end: 0x1_0000_0008n });
  });
});

describe('locator and splitLocator', () => {
  it.each([
    [0, 0n, 0],
    [5, 0xe000n, 0xe005],
    [7, 0xffff_fff8n, 0xffff_ffff],
    [6, 0x8000_0000n, 0x8000_0006],
  ])('put BIR %i into the low bits of the offset, and take both apart again', (bir, at, dword) => {
    expect(locator(bir, offset(at))).toBe(dword);
    expect(splitLocator(dword)).toEqual({ bir, offset: at });
    // The same dword, read as a signed number.
    expect(splitLocator(dword | 0)).toEqual({ bir, offset: at });
  });
});
