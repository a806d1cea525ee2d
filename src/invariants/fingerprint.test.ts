import { describe, expect, it } from 'vitest';
import {
  FingerprintMap,
  FingerprintSet,
  fingerprintText,
  sameFingerprint,
  type Fingerprint,
} from './fingerprint.ts';

const unaligned: Fingerprint = { invariant: 'map-aligned', cause: 'unaligned' };
const unalignedSlot: Fingerprint = { invariant: 'memslot-aligned-disjoint', cause: 'unaligned' };
const overlapping: Fingerprint = { invariant: 'memslot-aligned-disjoint', cause: 'overlapping' };

describe('sameFingerprint', () => {
  it('compares invariant and cause by value', () => {
    expect(sameFingerprint(unaligned, { ...unaligned })).toBe(true);
    expect(sameFingerprint(unaligned, unalignedSlot)).toBe(false);
    expect(sameFingerprint(unalignedSlot, overlapping)).toBe(false);
  });
});

describe('fingerprintText', () => {
  it('has the invariant before the cause', () => {
    expect(fingerprintText(overlapping)).toBe('memslot-aligned-disjoint/overlapping');
  });
});

describe('FingerprintMap', () => {
  it('finds a value by an equal fingerprint and lists entries in the order of their addition', () => {
    const map = new FingerprintMap<number>();
    map.set(overlapping, 1);
    map.set(unaligned, 2);
    map.set({ ...overlapping }, 3);
    expect([map.size, map.get({ ...overlapping }), map.get(unalignedSlot)]).toEqual([2, 3, undefined]);
    expect([map.has({ ...unaligned }), map.has(unalignedSlot)]).toEqual([true, false]);
    expect([...map]).toEqual([
      [overlapping, 3],
      [unaligned, 2],
    ]);
    expect([map.keys(), map.values()]).toEqual([
      [overlapping, unaligned],
      [3, 2],
    ]);
  });

  it('keeps of a violation only the fingerprint as key', () => {
    const map = new FingerprintMap<number>();
    const violation = { ...unaligned, message: 'text', step: 0 };
    map.set(violation, 1);
    expect(map.keys()).toEqual([unaligned]);
  });
});

describe('FingerprintSet', () => {
  it('has every fingerprint once', () => {
    const set = new FingerprintSet([unaligned, { ...unaligned }, overlapping]);
    set.add({ ...overlapping });
    expect([...set]).toEqual([unaligned, overlapping]);
    expect([set.size, set.has({ ...unaligned }), set.has(unalignedSlot)]).toEqual([2, true, false]);
  });

  it('is empty at first if it is given none', () => {
    expect([...new FingerprintSet()]).toEqual([]);
  });
});
