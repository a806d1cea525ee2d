import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS, offset } from '../address/index.ts';
import { FlatRange, canMerge, flatRangesEqual, isSameRange } from './flat-range.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';

interface Fields {
  readonly start: bigint;
  readonly end: bigint;
  readonly region: MemoryRegion;
  readonly offset: bigint;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
}

const flash = MemoryRegion.romDevice('flash', END_OF_SPACE);
const base: Fields = {
  start: 0x1000n,
  end: 0x2000n,
  region: flash,
  offset: 0n,
  readonly: false,
  nonvolatile: false,
  unmergeable: false,
};
const make = (changed: Partial<Fields> = {}): FlatRange => {
  const fields = { ...base, ...changed };
  return new FlatRange(fields.start, fields.end, fields.region, offset(fields.offset), fields);
};
/** The range, made while its region is not in ROM-device mode. */
const outOfRomdMode = (changed: Partial<Fields> = {}): FlatRange => {
  const topology = new MemoryTopology();
  topology.setRomdMode(flash, false);
  const range = make(changed);
  topology.setRomdMode(flash, true);
  return range;
};
const following: Partial<Fields> = { start: 0x2000n, end: 0x3000n, offset: 0x1000n };

describe('a flat range', () => {
  it('keeps mode, priority and container as they were when it was made (memory fact 2.1)', () => {
    const topology = new MemoryTopology();
    const region = MemoryRegion.romDevice('r', 0x1000n);
    const before = make({ region });
    topology.addSubregion(MemoryRegion.container('c', 0x1000n), region, offset(0n), -3);
    topology.setRomdMode(region, false);
    expect(before).toMatchObject({ romdMode: true, priority: 0, contained: false });
    expect(make({ region })).toMatchObject({ romdMode: false, priority: -3, contained: true });
  });

  it.each([
    [0n, 0n, 0n],
    [0n, END_OF_SPACE, END_OF_SPACE],
    [LAST_ADDRESS, END_OF_SPACE, 1n],
    [0xffff_f000n, 1n << 32n, 0x1000n],
  ])('from %d to %d has %d bytes', (start, end, size) => {
    expect(make({ start, end }).size).toBe(size);
  });

  it('keeps all its other fields if it ends elsewhere', () => {
    const range = make({ readonly: true, nonvolatile: true, unmergeable: true, offset: 0x800n });
    expect(range.endingAt(END_OF_SPACE)).toEqual(
      make({ readonly: true, nonvolatile: true, unmergeable: true, offset: 0x800n, end: END_OF_SPACE }),
    );
  });
});

describe('canMerge (memory fact 2.6)', () => {
  it('is true of a range and the one that continues it', () => {
    expect(canMerge(make(), make(following))).toBe(true);
    const alike = { readonly: true, nonvolatile: true };
    expect(canMerge(make(alike), make({ ...following, ...alike }))).toBe(true);
    expect(canMerge(outOfRomdMode(), outOfRomdMode(following))).toBe(true);
  });

  it.each([
    ['the addresses leave a gap', { start: 0x2001n, offset: 0x1001n }],
    ['the addresses overlap', { start: 0x1fffn, offset: 0xfffn }],
    [
      'another region follows, even with the same name',
      { region: MemoryRegion.romDevice('flash', END_OF_SPACE) },
    ],
    ['the offsets leave a gap', { offset: 0x2000n }],
    ['the offsets repeat', { offset: 0n }],
    ['only one is read-only', { readonly: true }],
    ['only one is nonvolatile', { nonvolatile: true }],
    ['the right one is unmergeable', { unmergeable: true }],
  ])('is false if %s', (_, changed) => {
    expect(canMerge(make(), make({ ...following, ...changed }))).toBe(false);
  });

  it('is false if the left one is unmergeable', () => {
    expect(canMerge(make({ unmergeable: true }), make(following))).toBe(false);
    expect(canMerge(make({ unmergeable: true }), make({ ...following, unmergeable: true }))).toBe(false);
  });

  it('is false if the ROM-device mode differs (QM-03)', () => {
    expect(canMerge(make(), outOfRomdMode(following))).toBe(false);
  });

  it('compares offsets without wrapping at 2^64', () => {
    const left = make({ start: 0n, end: 0x1000n, offset: LAST_ADDRESS - 0xfffn });
    expect(canMerge(left, make({ start: 0x1000n, offset: 0n }))).toBe(false);
    expect(canMerge(left, make({ start: 0x1000n, offset: END_OF_SPACE }))).toBe(true);
  });

  it('is false in the other order', () => {
    expect(canMerge(make(following), make())).toBe(false);
  });
});

describe('flatRangesEqual (memory fact 2.7)', () => {
  it('is true of a range and itself, and of a range with the same fields', () => {
    const range = make({ unmergeable: true });
    expect(flatRangesEqual(range, range)).toBe(true);
    expect(flatRangesEqual(range, make({ unmergeable: true }))).toBe(true);
  });

  it.each([
    ['start', { start: 0x800n }],
    ['size (SV-01)', { end: 0x1fffn }],
    ['region', { region: MemoryRegion.romDevice('flash', END_OF_SPACE) }],
    ['offset', { offset: 1n }],
    ['readonly', { readonly: true }],
    ['nonvolatile', { nonvolatile: true }],
    ['unmergeable', { unmergeable: true }],
  ])('is false if the two differ in %s', (_, changed) => {
    expect(flatRangesEqual(make(), make(changed))).toBe(false);
    expect(flatRangesEqual(make(changed), make())).toBe(false);
  });

  it('is false if the ROM-device mode differs (QM-03)', () => {
    expect(flatRangesEqual(make(), outOfRomdMode())).toBe(false);
  });

  it('ignores priority and container', () => {
    const topology = new MemoryTopology();
    const region = MemoryRegion.ram('r', 0x1000n);
    const before = make({ region });
    topology.addSubregion(MemoryRegion.container('c', 0x1000n), region, offset(0n), 5);
    expect(flatRangesEqual(before, make({ region }))).toBe(true);
  });
});

describe('isSameRange', () => {
  it('is true of ranges that are equal and print alike', () => {
    expect(isSameRange(make(), make())).toBe(true);
    expect(isSameRange(make(), make({ readonly: true }))).toBe(false);
  });

  it.each([
    ['priority', { priority: 1 }],
    ['container', { contained: true }],
  ])('is false of equal ranges whose regions differ in what "info mtree -f" prints: %s', (_, changed) => {
    const other = Object.assign(make(), changed);
    expect(flatRangesEqual(make(), other)).toBe(true);
    expect(isSameRange(make(), other)).toBe(false);
    expect(isSameRange(other, make())).toBe(false);
  });
});
