import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS, hostAddress, offset } from '../address/index.ts';
import { MemoryRegion } from './memory-region.ts';

const target = MemoryRegion.ram('target', 0x1000n);
const makers = {
  container: () => MemoryRegion.container('r', 0x1000n),
  io: () => MemoryRegion.io('r', 0x1000n),
  ram: () => MemoryRegion.ram('r', 0x1000n),
  rom: () => MemoryRegion.rom('r', 0x1000n),
  ramDevice: () => MemoryRegion.ramDevice('r', 0x1000n),
  romDevice: () => MemoryRegion.romDevice('r', 0x1000n),
  iommu: () => MemoryRegion.iommu('r', 0x1000n),
  alias: () => MemoryRegion.alias('r', target, offset(0n), 0x1000n),
} as const;

describe('a new memory region', () => {
  it.each(Object.entries(makers))(
    'of kind %s is enabled, in no container, and at address 0 (memory fact 1.1)',
    (_, make) => {
      expect(make()).toMatchObject({
        name: 'r',
        size: 0x1000n,
        address: 0n,
        end: 0x1000n,
        priority: 0,
        enabled: true,
        romdMode: true,
        nonvolatile: false,
        unmergeable: false,
        isProtected: false,
        iommuPageSize: undefined,
        container: undefined,
        subregions: [],
        aliasedBy: [],
        owner: undefined,
        hostAddress: undefined,
      });
    },
  );

  it.each([0n, 1n, 1n << 32n, 1n << 63n, LAST_ADDRESS, END_OF_SPACE])(
    'may have size %d (memory fact 1.2)',
    (size) => {
      expect(MemoryRegion.ram('r', size)).toMatchObject({ size, end: size });
    },
  );

  it.each([-1n, END_OF_SPACE + 1n])('may not have size %d (memory fact 1.2)', (size) => {
    expect(() => MemoryRegion.ram('big', size)).toThrow(
      new RangeError('size of region big is not within 0..2^64'),
    );
  });

  it.each([
    ['container', { terminates: false, ram: false, device: false, readonly: false, iommu: false }],
    ['io', { terminates: true, ram: false, device: false, readonly: false, iommu: false }],
    ['ram', { terminates: true, ram: true, device: false, readonly: false, iommu: false }],
    ['rom', { terminates: true, ram: true, device: false, readonly: true, iommu: false }],
    ['ramDevice', { terminates: true, ram: true, device: true, readonly: false, iommu: false }],
    ['romDevice', { terminates: true, ram: false, device: false, readonly: false, iommu: false }],
    ['iommu', { terminates: true, ram: false, device: false, readonly: false, iommu: true }],
    ['alias', { terminates: false, ram: false, device: false, readonly: false, iommu: false }],
  ] as const)('of kind %s has the predicates of memory fact 1.3', (kind, expected) => {
    const region = makers[kind]();
    expect({
      terminates: region.terminates,
      ram: region.isRam,
      device: region.isRamDevice,
      readonly: region.readonly,
      iommu: region.isIommu,
    }).toEqual(expected);
  });

  it('takes its options, but ROM is always read-only (memory fact 1.3)', () => {
    const options = {
      owner: 'dev0',
      hostAddress: hostAddress(0x7f00_0000_0000n),
      readonly: false,
      nonvolatile: true,
      unmergeable: true,
    };
    expect(MemoryRegion.ramDevice('r', 1n, { ...options, readonly: true })).toMatchObject({
      ...options,
      readonly: true,
    });
    expect(MemoryRegion.rom('r', 1n, options)).toMatchObject({ ...options, readonly: true });
  });

  it('does not share its list of aliases with other regions', () => {
    const [one, two] = [makers.ram(), makers.ram()];
    MemoryRegion.alias('a', one, offset(0n), 1n);
    expect(one.aliasedBy).toHaveLength(1);
    expect(two.aliasedBy).toEqual([]);
  });
});

describe('an alias', () => {
  it('knows its target, and the target knows its aliases in the order of their creation', () => {
    const ram = MemoryRegion.ram('ram', END_OF_SPACE);
    const low = MemoryRegion.alias('low', ram, offset(0n), 0x1000n);
    const high = MemoryRegion.alias('high', ram, offset(1n << 63n), END_OF_SPACE);
    expect(high.alias).toEqual({ region: ram, offset: 1n << 63n, end: 3n << 63n });
    expect(high.alias?.region).toBe(ram);
    expect(ram.aliasedBy).toEqual([low, high]);
    expect(ram.alias).toBeUndefined();
  });

  it('of an IOMMU counts as an IOMMU, through any number of aliases (memory fact 1.3)', () => {
    const iommu = MemoryRegion.iommu('iommu', 0x1000n);
    const once = MemoryRegion.alias('once', iommu, offset(0n), 0x1000n);
    const twice = MemoryRegion.alias('twice', once, offset(0n), 0x1000n);
    expect([once.isIommu, twice.isIommu]).toEqual([true, true]);
    // isRam does not look through aliases.
    expect(MemoryRegion.alias('a', target, offset(0n), 1n).isRam).toBe(false);
  });
});
