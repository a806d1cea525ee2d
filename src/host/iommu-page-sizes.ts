import {
  atLeast,
  below,
  largestPage,
  smallestPage,
  type PageSizeBitmap,
  type Size,
} from '../address/index.ts';

const KIB = 1n << 10n;
const MIB = 1n << 20n;
const GIB = 1n << 30n;

/** The page sizes of each format of IOMMU page tables (host fact 5.1). */
export const PAGE_SIZE_FAMILIES = {
  /** 4K, 2M, 1G: x86 and the ARM 4K granule. */
  granule4K: (4n * KIB) | (2n * MIB) | GIB,
  /** 16K, 32M. */
  granule16K: (16n * KIB) | (32n * MIB),
  /** 64K, 512M. */
  granule64K: (64n * KIB) | (512n * MIB),
  /** 4T, which the 64K granule has too with output addresses of 52 bits. */
  block4T: 1n << 42n,
  /** 4K, 64K, 1M, 16M: the 32-bit ARM format of SMMUv2. */
  armShortDescriptor: (4n * KIB) | (64n * KIB) | MIB | (16n * MIB),
} as const satisfies Record<string, PageSizeBitmap>;

const { granule4K, granule16K, granule64K, block4T } = PAGE_SIZE_FAMILIES;

const GRANULES: ReadonlyMap<Size, PageSizeBitmap> = new Map([
  [4n * KIB, granule4K],
  [16n * KIB, granule16K],
  [64n * KIB, granule64K | block4T],
]);

/**
 * The page sizes of an SMMU domain: the hardware's, restricted to those of one granule. The granule is the
 * host page if the hardware has it, else the largest size below, else the smallest above. Linux
 * io-pgtable-arm.c:arm_lpae_restrict_pgsizes, host fact 5.2; SMMUv3 and the 64-bit formats of SMMUv2.
 *
 * @param hardware every page size that the ID registers announce.
 * @param hostPageSize in bytes, a power of two.
 * @returns 0 if the kernel can set up no domain and refuses to attach the device.
 */
export function restrictToGranule(hardware: PageSizeBitmap, hostPageSize: Size): PageSizeBitmap {
  const smaller = below(hardware, hostPageSize);
  let granule = smallestPage(atLeast(hardware, hostPageSize));
  if (granule !== hostPageSize && smaller !== 0n) granule = largestPage(smaller);
  return hardware & (GRANULES.get(granule) ?? 0n);
}

const everyPageFrom4K: PageSizeBitmap = 0xffff_ffff_ffff_f000n;

/** The page sizes of a domain, by the hardware's; one rule for each driver of the Linux IOMMU API. */
type DomainRule = (hardware: PageSizeBitmap, hostPageSize: Size) => PageSizeBitmap;

const RULES = {
  /** ARM SMMUv3, and SMMUv2 with 64-bit tables. */
  smmu: restrictToGranule,
  /** 4K always; 2M and 1G if every IOMMU of the host has such superpages (6.1 and later). */
  intel: (hardware) => (4n * KIB) | (hardware & granule4K),
  /** 4.x to early 5.x: every size, which the driver maps with smaller pages. */
  'intel-legacy': () => everyPageFrom4K,
  /** 6.12 and later: bits 12 to 51 except 39, because a 512G page does not exist. */
  'amd-v1': () => 0x000f_ff7f_ffff_f000n,
  /** 6.1. */
  'amd-v1-legacy': () => 0xffff_ff7f_ffff_f000n,
  'amd-v2': () => granule4K,
  /** 6.12. */
  s390: () => 4n * KIB,
  /** 6.1 and older. */
  's390-legacy': () => everyPageFrom4K,
  /** The device's own mask. The kernel does not attach a device whose smallest page is above the host's. */
  virtio: (hardware, hostPageSize) => (smallestPage(hardware) > hostPageSize ? 0n : hardware),
  /** One size: 4K or 16K. */
  'apple-dart': (hardware) => hardware,
} as const satisfies Record<string, DomainRule>;

/** A Linux IOMMU driver; `-legacy` is the same driver in older kernels. */
export type IommuDriver = keyof typeof RULES;

/** Every driver that `domainPageSizes` knows. */
export const IOMMU_DRIVERS = Object.keys(RULES) as readonly IommuDriver[];

/**
 * The page sizes of a domain of `driver`: `pgsize_bitmap` of the Linux IOMMU API, host facts 5.2 and 5.3.
 * `type1PageSizes` says what type1 reports of them.
 *
 * @param hardware the page sizes that the hardware announces; drivers with a fixed set ignore them.
 * @param hostPageSize in bytes, a power of two.
 * @returns 0 if the kernel refuses to attach a device.
 */
export const domainPageSizes = (
  driver: IommuDriver,
  hardware: PageSizeBitmap,
  hostPageSize: Size,
): PageSizeBitmap => RULES[driver](hardware, hostPageSize);
