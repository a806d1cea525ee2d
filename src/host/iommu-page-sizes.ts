import {
  atLeast,
  below,
  largestPage,
  smallestPage,
  type PageSizeBitmap,
  type Size,
} from '../address/index.ts';

const KiB = 1n << 10n;
const MiB = 1n << 20n;
const GiB = 1n << 30n;

/** Page sizes that IOMMU page tables have together (host fact 5.1). */
export const PAGE_SIZE_FAMILIES = {
  /** 4K, 2M, 1G: x86 and the ARM 4K granule. */
  granule4K: (4n * KiB) | (2n * MiB) | GiB,
  /** 16K, 32M. */
  granule16K: (16n * KiB) | (32n * MiB),
  /** 64K, 512M. */
  granule64K: (64n * KiB) | (512n * MiB),
  /** What 52-bit output addresses add to the 64K granule. */
  block4T: 1n << 42n,
  /** 4K, 64K, 1M, 16M: the 32-bit ARM format of SMMUv2. */
  armShortDescriptor: (4n * KiB) | (64n * KiB) | MiB | (16n * MiB),
} as const satisfies Record<string, PageSizeBitmap>;

const { granule4K, granule16K, granule64K, block4T } = PAGE_SIZE_FAMILIES;

const GRANULES: ReadonlyMap<Size, PageSizeBitmap> = new Map([
  [4n * KiB, granule4K],
  [16n * KiB, granule16K],
  [64n * KiB, granule64K | block4T],
]);

/**
 * The page sizes of an SMMU domain: the hardware's, restricted to one granule. That is the host page where
 * the hardware has it, else the largest size below it, else the smallest above. 0 means that no domain
 * can be set up and the device cannot be attached.
 *
 * Linux io-pgtable-arm.c:arm_lpae_restrict_pgsizes, host fact 5.2; SMMUv3 and the 64-bit formats of SMMUv2.
 *
 * @param hardware every page size that the ID registers announce
 * @param hostPageSize a power of two
 */
export function restrictToGranule(hardware: PageSizeBitmap, hostPageSize: Size): PageSizeBitmap {
  const smaller = below(hardware, hostPageSize);
  let granule = smallestPage(atLeast(hardware, hostPageSize));
  if (granule !== hostPageSize && smaller !== 0n) granule = largestPage(smaller);
  return hardware & (GRANULES.get(granule) ?? 0n);
}

const everyPageFrom4K: PageSizeBitmap = 0xffff_ffff_ffff_f000n;

/** How a driver of the Linux IOMMU API gets from the hardware's page sizes to those of a domain. */
type DomainRule = (hardware: PageSizeBitmap, hostPageSize: Size) => PageSizeBitmap;

const RULES = {
  /** ARM SMMUv3, and SMMUv2 with 64-bit tables. */
  smmu: restrictToGranule,
  /** 4K always, and of 2M and 1G what every unit has as superpages (6.1 and 6.12). */
  intel: (hardware) => (4n * KiB) | (hardware & granule4K),
  /** 4.x to early 5.x: any size; the driver itself takes it apart. */
  'intel-legacy': () => everyPageFrom4K,
  /** 6.12 and later: bits 12 to 51 but 39, for a 512G page does not exist. */
  'amd-v1': () => 0x000f_ff7f_ffff_f000n,
  /** 6.1. */
  'amd-v1-legacy': () => 0xffff_ff7f_ffff_f000n,
  'amd-v2': () => granule4K,
  /** 6.12. */
  s390: () => 4n * KiB,
  /** 6.1 and older. */
  's390-legacy': () => everyPageFrom4K,
  /** The device's own mask; a device with no page as small as the host's cannot be attached. */
  virtio: (hardware, hostPageSize) => (smallestPage(hardware) > hostPageSize ? 0n : hardware),
  /** One size, 4K or 16K. */
  'apple-dart': (hardware) => hardware,
} as const satisfies Record<string, DomainRule>;

/** A Linux IOMMU driver; `-legacy` is what older kernels had under the same name. */
export type IommuDriver = keyof typeof RULES;

/** Every driver that `domainPageSizes` knows. */
export const IOMMU_DRIVERS = Object.keys(RULES) as readonly IommuDriver[];

/**
 * What a domain of `driver` can map: `pgsize_bitmap` of the Linux IOMMU API, host facts 5.2 and 5.3. type1
 * (`type1PageSizes`) and iommufd make their own of it. 0 means that no device can be attached.
 *
 * @param hardware the page sizes that the hardware announces; drivers with a fixed set ignore it
 * @param hostPageSize a power of two
 */
export const domainPageSizes = (
  driver: IommuDriver,
  hardware: PageSizeBitmap,
  hostPageSize: Size,
): PageSizeBitmap => RULES[driver](hardware, hostPageSize);
