import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { MsixState, checkMsixLayout } from './msix.ts';
import {
  MSIX_MAX_VECTORS,
  locator,
  msixPbaSize,
  msixTableSize,
  splitLocator,
  type MsixLayout,
} from '../pci-layout/index.ts';

const DOES_NOT_FIT = "table & pba overlap, or they don't fit in BARs, or don't align";
const BAD_NUMBER = 'The number of MSI-X vectors is invalid';

describe('the bytes of table and PBA', () => {
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
  ])('of %i vectors are %i and %i', (vectors, table, pba) => {
    expect(msixTableSize(vectors)).toBe(table);
    expect(msixPbaSize(vectors)).toBe(pba);
  });
});

describe('a locator', () => {
  it.each([
    [0, 0n, 0],
    [5, 0xe000n, 0xe005],
    [7, 0xffff_fff8n, 0xffff_ffff],
    [6, 0x8000_0000n, 0x8000_0006],
  ])('has the BIR %i in the low bits of the offset', (bir, at, dword) => {
    expect(locator(bir, offset(at))).toBe(dword);
    expect(splitLocator(dword)).toEqual({ bir, offset: at });
    // What a register of 32 bits reads as a signed number.
    expect(splitLocator(dword | 0)).toEqual({ bir, offset: at });
  });
});

const layout = (rest: Partial<Record<keyof MsixLayout, number | bigint>> = {}): MsixLayout =>
  ({ vectors: 96, tableBar: 1, tableOffset: 0xe000n, pbaBar: 1, pbaOffset: 0xf000n, ...rest }) as MsixLayout;

/** Checks in BARs of 64 KiB unless told otherwise. */
const check = (rest: Parameters<typeof layout>[0], table = 0x1_0000n, pba = 0x1_0000n) =>
  checkMsixLayout(layout(rest), table, pba);

describe('checkMsixLayout', () => {
  it('accepts the layout of the seed thread', () => {
    expect(check({})).toBeUndefined();
  });

  it('wants 1 to 2048 vectors', () => {
    expect(MSIX_MAX_VECTORS).toBe(2048);
    expect(check({ vectors: 0 })).toBe(BAD_NUMBER);
    expect(check({ vectors: 2049, tableOffset: 0n }, 1n << 32n)).toBe(BAD_NUMBER);
    expect(check({ vectors: 1 })).toBeUndefined();
    expect(check({ vectors: 2048, tableOffset: 0n })).toBeUndefined();
  });

  it('lets the two touch, but not overlap', () => {
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xe600n })).toBeUndefined();
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xe5f8n })).toBe(DOES_NOT_FIT);
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xdff0n })).toBeUndefined();
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xdff8n })).toBe(DOES_NOT_FIT);
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xe000n })).toBe(DOES_NOT_FIT);
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xe100n })).toBe(DOES_NOT_FIT);
  });

  it('does not mind the same offsets in two BARs', () => {
    expect(check({ pbaBar: 3, pbaOffset: 0xe000n })).toBeUndefined();
  });

  it('wants the table to end in its region', () => {
    expect(check({ tableOffset: 0xfa00n, pbaOffset: 0n })).toBeUndefined();
    expect(check({ tableOffset: 0xfa08n, pbaOffset: 0n })).toBe(DOES_NOT_FIT);
    expect(check({ tableOffset: 0x1_0000n, pbaOffset: 0n })).toBe(DOES_NOT_FIT);
    expect(check({ pbaBar: 3 }, 0xe600n)).toBeUndefined();
    expect(check({ pbaBar: 3 }, 0xe5ffn)).toBe(DOES_NOT_FIT);
    expect(check({ pbaBar: 3 }, 0n)).toBe(DOES_NOT_FIT);
  });

  it('wants the PBA to end in its region', () => {
    expect(check({ pbaOffset: 0xfff0n })).toBeUndefined();
    expect(check({ pbaOffset: 0xfff8n })).toBe(DOES_NOT_FIT);
    expect(check({ pbaBar: 3, pbaOffset: 0n }, 0x1_0000n, 0x10n)).toBeUndefined();
    expect(check({ pbaBar: 3, pbaOffset: 0n }, 0x1_0000n, 0xfn)).toBe(DOES_NOT_FIT);
  });

  it('wants both at multiples of 8', () => {
    for (const odd of [1n, 2n, 4n]) {
      expect(check({ tableOffset: 0xe000n + odd })).toBe(DOES_NOT_FIT);
      expect(check({ pbaOffset: 0xf000n + odd })).toBe(DOES_NOT_FIT);
    }
    expect(check({ tableOffset: 0xe008n, pbaOffset: 0xf008n })).toBeUndefined();
  });

  it('adds up in 32 bits, so that a table shortly before 4G passes (vfio fact 5.11)', () => {
    expect(check({ vectors: 1, tableOffset: 0xffff_fff0n, pbaOffset: 0n })).toBeUndefined();
    expect(check({ vectors: 1, tableOffset: 0xffff_fff8n, pbaOffset: 0n })).toBeUndefined();
    expect(check({ vectors: 1, tableOffset: 0xffff_ffe8n, pbaOffset: 0n })).toBe(DOES_NOT_FIT);
    expect(check({ vectors: 2048, tableOffset: 0xffff_8000n, pbaOffset: 0n })).toBeUndefined();
    expect(check({ vectors: 2048, tableOffset: 0xffff_7ff8n, pbaOffset: 0n })).toBe(DOES_NOT_FIT);
    expect(check({ pbaOffset: 0xffff_fff8n })).toBeUndefined();
    // What is left of the sum still has to fit.
    expect(check({ vectors: 2048, tableOffset: 0xffff_fff8n, pbaBar: 3 }, 0x7ff8n)).toBeUndefined();
    expect(check({ vectors: 2048, tableOffset: 0xffff_fff8n, pbaBar: 3 }, 0x7ff7n)).toBe(DOES_NOT_FIT);
  });

  it('does not add up in 32 bits where it looks for an overlap', () => {
    expect(check({ vectors: 1, tableOffset: 0xffff_fff8n, pbaOffset: 0xffff_fff8n })).toBe(DOES_NOT_FIT);
    expect(check({ vectors: 2048, tableOffset: 0xffff_fff8n, pbaOffset: 0n })).toBeUndefined();
  });
});

describe('MsixState', () => {
  const ENABLE = 0x8000;
  const FUNCTION_MASK = 0x4000;

  it('tells the number of vectors, less one, in the control word', () => {
    for (const vectors of [1, 96, 2048]) expect(new MsixState(vectors).readControl()).toBe(vectors - 1);
  });

  it('lets software write enable and function mask, and nothing else', () => {
    const state = new MsixState(3);
    state.writeControl(0xffff);
    expect(state.readControl()).toBe(ENABLE | FUNCTION_MASK | 2);
    expect([state.enabled, state.functionMasked]).toEqual([true, true]);
    state.writeControl(FUNCTION_MASK);
    expect([state.enabled, state.functionMasked]).toEqual([false, true]);
    state.writeControl(ENABLE);
    expect([state.enabled, state.functionMasked]).toEqual([true, false]);
    state.writeControl(0x3fff);
    expect(state.readControl()).toBe(2);
  });

  it('masks all vectors at first, and each on its own', () => {
    const state = new MsixState(4);
    state.writeControl(ENABLE);
    expect([0, 1, 2, 3].map((vector) => state.isMasked(vector))).toEqual([true, true, true, true]);
    for (const vector of [3, 1]) state.maskVector(vector, false);
    expect(state.unmaskedVectors()).toEqual([1, 3]);
    expect([0, 1, 2, 3].map((vector) => state.isMasked(vector))).toEqual([true, false, true, false]);
    state.maskVector(3, true);
    state.maskVector(3, true);
    expect(state.unmaskedVectors()).toEqual([1]);
  });

  it('sorts vectors as numbers', () => {
    const state = new MsixState(2048);
    for (const vector of [100, 2, 2047, 10]) state.maskVector(vector, false);
    expect(state.unmaskedVectors()).toEqual([2, 10, 100, 2047]);
  });

  it('masks all while MSI-X is off or the function is masked, whatever their own bits', () => {
    const state = new MsixState(1);
    state.maskVector(0, false);
    expect(state.isMasked(0)).toBe(true);
    state.writeControl(ENABLE | FUNCTION_MASK);
    expect(state.isMasked(0)).toBe(true);
    state.writeControl(ENABLE);
    expect(state.isMasked(0)).toBe(false);
    expect(state.unmaskedVectors()).toEqual([0]);
  });

  it('is after a reset as at first', () => {
    const state = new MsixState(5);
    state.writeControl(ENABLE | FUNCTION_MASK);
    state.maskVector(4, false);
    state.reset();
    expect([state.readControl(), state.unmaskedVectors()]).toEqual([4, []]);
  });
});
