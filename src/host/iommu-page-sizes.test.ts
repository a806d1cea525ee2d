import { describe, expect, it } from 'vitest';
import { below } from '../address/index.ts';
import { domainPageSizes, IOMMU_DRIVERS, PAGE_SIZE_FAMILIES, restrictToGranule } from './iommu-page-sizes.ts';
import { type1PageSizes } from './type1.ts';

const HOST_PAGES = [0x1000n, 0x4000n, 0x10000n] as const;

/** host fact 5.2: the hardware's sizes, then domain / type1 for hosts with 4K, 16K and 64K pages. */
const SMMU = `
  0x40201000  0x40201000/0x40201000  0x40201000/0x40204000  0x40201000/0x40210000
  0x02004000  0x02004000/0x02004000  0x02004000/0x02004000  0x02004000/0x02010000
  0x20010000  0x20010000/0x20010000  0x20010000/0x20010000  0x20010000/0x20010000
  0x60211000  0x40201000/0x40201000  0x40201000/0x40204000  0x20010000/0x20010000
  0x42205000  0x40201000/0x40201000  0x02004000/0x02004000  0x02004000/0x02010000
  0x22014000  0x02004000/0x02004000  0x02004000/0x02004000  0x20010000/0x20010000
  0x62215000  0x40201000/0x40201000  0x02004000/0x02004000  0x20010000/0x20010000`
  .trim()
  .split('\n')
  .flatMap((line) => {
    const [hardware, ...columns] = line.trim().split(/\s+/);
    return columns.map((column, index) => {
      const [domain, type1] = column.split('/');
      return {
        hardware: BigInt(hardware!),
        page: HOST_PAGES[index]!,
        domain: BigInt(domain!),
        type1: BigInt(type1!),
      };
    });
  });

describe('restrictToGranule', () => {
  it('is tested with the 21 cells of the table (host fact 5.2)', () => expect(SMMU).toHaveLength(21));

  it.each(SMMU)(
    'restricts $hardware on host pages of $page bytes to $domain, of which type1 reports $type1',
    ({ hardware, page, domain, type1 }) => {
      expect(restrictToGranule(hardware, page)).toBe(domain);
      expect(type1PageSizes(domain, page)).toBe(type1);
    },
  );

  it('keeps the 4T block of 52-bit output addresses with the 64K granule alone', () => {
    const hardware =
      PAGE_SIZE_FAMILIES.granule64K | PAGE_SIZE_FAMILIES.granule4K | PAGE_SIZE_FAMILIES.block4T;
    expect(restrictToGranule(hardware, 0x10000n)).toBe(0x400_2001_0000n);
    expect(restrictToGranule(hardware, 0x1000n)).toBe(0x4020_1000n);
  });

  it('returns 0 for a size that is no granule, and for no size', () => {
    expect(restrictToGranule(0x20_0000n, 0x1000n)).toBe(0n);
    expect(restrictToGranule(0x8000n, 0x10000n)).toBe(0n);
    expect(restrictToGranule(0n, 0x1000n)).toBe(0n);
  });
});

describe('domainPageSizes (host fact 5.3)', () => {
  it.each([
    ['smmu', 0x6021_1000n, 0x2001_0000n],
    ['intel', 0x4020_1000n, 0x4020_1000n],
    ['intel', 0x20_1000n, 0x20_1000n],
    ['intel', 0n, 0x1000n],
    ['intel-legacy', 0n, 0xffff_ffff_ffff_f000n],
    ['amd-v1', 0n, 0x000f_ff7f_ffff_f000n],
    ['amd-v1-legacy', 0n, 0xffff_ff7f_ffff_f000n],
    ['amd-v2', 0n, 0x4020_1000n],
    ['s390', 0n, 0x1000n],
    ['s390-legacy', 0n, 0xffff_ffff_ffff_f000n],
    ['virtio', 0xffff_ffff_ffff_f000n, 0xffff_ffff_ffff_f000n],
    ['virtio', 0x10000n, 0x10000n],
    ['virtio', 0x20000n, 0n],
    ['apple-dart', 0x4000n, 0x4000n],
  ] as const)('of %s on a 64K host, for hardware %s, is %s', (driver, hardware, expected) => {
    expect(domainPageSizes(driver, hardware, 0x10000n)).toBe(expected);
  });

  it('leaves 512G out for AMD table v1', () => {
    for (const driver of ['amd-v1', 'amd-v1-legacy'] as const) {
      expect(domainPageSizes(driver, 0n, 0x1000n) & (1n << 39n)).toBe(0n);
      expect(domainPageSizes(driver, 0n, 0x1000n) & (1n << 38n)).not.toBe(0n);
    }
  });

  it.each(HOST_PAGES)('of virtio is reported by type1 down to the host page of %i bytes', (page) => {
    const wide = 0xffff_ffff_ffff_f000n;
    expect(type1PageSizes(domainPageSizes('virtio', wide, page), page)).toBe(wide & -page);
  });

  it('makes type1 report at least one size, and none below the host page (host fact 9.1)', () => {
    const hardwares = [...new Set(SMMU.map(({ hardware }) => hardware))];
    for (const driver of IOMMU_DRIVERS) {
      for (const page of HOST_PAGES) {
        for (const hardware of hardwares) {
          const domain = domainPageSizes(driver, hardware, page);
          if (domain === 0n) continue;
          const reported = type1PageSizes(domain, page);
          expect(reported).not.toBe(0n);
          expect(below(reported, page)).toBe(0n);
        }
      }
    }
  });

  it('names the sizes of the 32-bit ARM format', () => {
    expect(PAGE_SIZE_FAMILIES.armShortDescriptor).toBe(0x0111_1000n);
  });
});
