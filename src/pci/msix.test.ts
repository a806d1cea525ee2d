import { describe, expect, it } from 'vitest';
import { MSIX_MAX_VECTORS, type MsixLayout } from '../pci-layout/index.ts';
import { MsixState, checkMsixLayout } from './msix.ts';

const DOES_NOT_FIT = "table & pba overlap, or they don't fit in BARs, or don't align";
const BAD_NUMBER = 'The number of MSI-X vectors is invalid';

const layout = (rest: Partial<Record<keyof MsixLayout, number | bigint>> = {}): MsixLayout =>
  ({ vectors: 96, tableBar: 1, tableOffset: 0xe000n, pbaBar: 1, pbaOffset: 0xf000n, ...rest }) as MsixLayout;

/** Checks a layout, by default in BARs of 64 KiB. */
const check = (rest: Parameters<typeof layout>[0], table = 0x1_0000n, pba = 0x1_0000n) =>
  checkMsixLayout(layout(rest), table, pba);

describe('checkMsixLayout', () => {
  it('accepts the layout of the seed thread', () => {
    expect(check({})).toBeUndefined();
  });

  it('refuses fewer than 1 and more than 2048 vectors', () => {
    expect(MSIX_MAX_VECTORS).toBe(2048);
    expect(check({ vectors: 0 })).toBe(BAD_NUMBER);
    expect(check({ vectors: 2049, tableOffset: 0n }, 1n << 32n)).toBe(BAD_NUMBER);
    expect(check({ vectors: 1 })).toBeUndefined();
    expect(check({ vectors: 2048, tableOffset: 0n })).toBeUndefined();
  });

  it('lets table and PBA touch, but not overlap', () => {
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xe600n })).toBeUndefined();
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xe5f8n })).toBe(DOES_NOT_FIT);
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xdff0n })).toBeUndefined();
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xdff8n })).toBe(DOES_NOT_FIT);
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xe000n })).toBe(DOES_NOT_FIT);
    expect(check({ tableOffset: 0xe000n, pbaOffset: 0xe100n })).toBe(DOES_NOT_FIT);
  });

  it('accepts the same offset in two BARs', () => {
    expect(check({ pbaBar: 3, pbaOffset: 0xe000n })).toBeUndefined();
  });

  it('refuses a table that ends beyond its region', () => {
    expect(check({ tableOffset: 0xfa00n, pbaOffset: 0n })).toBeUndefined();
    expect(check({ tableOffset: 0xfa08n, pbaOffset: 0n })).toBe(DOES_NOT_FIT);
    expect(check({ tableOffset: 0x1_0000n, pbaOffset: 0n })).toBe(DOES_NOT_FIT);
    expect(check({ pbaBar: 3 }, 0xe600n)).toBeUndefined();
    expect(check({ pbaBar: 3 }, 0xe5ffn)).toBe(DOES_NOT_FIT);
    expect(check({ pbaBar: 3 }, 0n)).toBe(DOES_NOT_FIT);
  });

  it('refuses a PBA that ends beyond its region', () => {
    expect(check({ pbaOffset: 0xfff0n })).toBeUndefined();
    expect(check({ pbaOffset: 0xfff8n })).toBe(DOES_NOT_FIT);
    expect(check({ pbaBar: 3, pbaOffset: 0n }, 0x1_0000n, 0x10n)).toBeUndefined();
    expect(check({ pbaBar: 3, pbaOffset: 0n }, 0x1_0000n, 0xfn)).toBe(DOES_NOT_FIT);
  });

  it('refuses offsets that are not multiples of 8', () => {
    for (const misalignment of [1n, 2n, 4n]) {
      expect(check({ tableOffset: 0xe000n + misalignment })).toBe(DOES_NOT_FIT);
      expect(check({ pbaOffset: 0xf000n + misalignment })).toBe(DOES_NOT_FIT);
    }
    expect(check({ tableOffset: 0xe008n, pbaOffset: 0xf008n })).toBeUndefined();
  });

  it('adds offset and size in 32 bits, so that a table that ends beyond 4 GiB passes (vfio fact 5.11)', () => {
    expect(check({ vectors: 1, tableOffset: 0xffff_fff0n, pbaOffset: 0n })).toBeUndefined();
    expect(check({ vectors: 1, tableOffset: 0xffff_fff8n, pbaOffset: 0n })).toBeUndefined();
    expect(check({ vectors: 1, tableOffset: 0xffff_ffe8n, pbaOffset: 0n })).toBe(DOES_NOT_FIT);
    expect(check({ vectors: 2048, tableOffset: 0xffff_8000n, pbaOffset: 0n })).toBeUndefined();
    expect(check({ vectors: 2048, tableOffset: 0xffff_7ff8n, pbaOffset: 0n })).toBe(DOES_NOT_FIT);
    expect(check({ pbaOffset: 0xffff_fff8n })).toBeUndefined();
    // The low 32 bits of the sum still have to fit.
    expect(check({ vectors: 2048, tableOffset: 0xffff_fff8n, pbaBar: 3 }, 0x7ff8n)).toBeUndefined();
    expect(check({ vectors: 2048, tableOffset: 0xffff_fff8n, pbaBar: 3 }, 0x7ff7n)).toBe(DOES_NOT_FIT);
  });

  it('compares table and PBA without wrapping at 32 bits', () => {
    expect(check({ vectors: 1, tableOffset: 0xffff_fff8n, pbaOffset: 0xffff_fff8n })).toBe(DOES_NOT_FIT);
    expect(check({ vectors: 2048, tableOffset: 0xffff_fff8n, pbaOffset: 0n })).toBeUndefined();
  });
});

describe('MsixState', () => {
  const ENABLE = 0x8000;
  const FUNCTION_MASK = 0x4000;

  it('shows the number of vectors less 1 in the control word', () => {
    for (const vectors of [1, 96, 2048]) expect(new MsixState(vectors).readControl()).toBe(vectors - 1);
  });

  it('lets software write only the enable bit and the function mask', () => {
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

  it('masks all vectors at first, and unmasks each one separately', () => {
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

  it('lists unmasked vectors in numeric order', () => {
    const state = new MsixState(2048);
    for (const vector of [100, 2, 2047, 10]) state.maskVector(vector, false);
    expect(state.unmaskedVectors()).toEqual([2, 10, 100, 2047]);
  });

  it('masks all vectors while MSI-X is off or the function is masked', () => {
    const state = new MsixState(1);
    state.maskVector(0, false);
    expect(state.isMasked(0)).toBe(true);
    state.writeControl(ENABLE | FUNCTION_MASK);
    expect(state.isMasked(0)).toBe(true);
    state.writeControl(ENABLE);
    expect(state.isMasked(0)).toBe(false);
    expect(state.unmaskedVectors()).toEqual([0]);
  });

  it('returns to its first state by a reset', () => {
    const state = new MsixState(5);
    state.writeControl(ENABLE | FUNCTION_MASK);
    state.maskVector(4, false);
    state.reset();
    expect([state.readControl(), state.unmaskedVectors()]).toEqual([4, []]);
  });
});
