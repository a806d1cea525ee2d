import { lowestSetBit } from './alignment.ts';

/**
 * A set of page sizes as VFIO and the kernel's IOMMU API report it: bit n stands for pages of 2^n
 * bytes. The value of a bit is the page size, so `0x10001000n` is 4 KiB and 256 MiB.
 */
export type PageSizeBitmap = bigint & { readonly __pageSizes?: never };

const ALL_BITS = (1n << 64n) - 1n;

/** The bitmap of these page sizes, each a power of two below 2^64. */
export const pageSizeBitmap = (sizes: Iterable<bigint>): PageSizeBitmap => {
  let bitmap = 0n;
  for (const size of sizes) bitmap |= size;
  return bitmap;
};

/** The smallest page size in the bitmap; 0 if the bitmap is empty. */
export const smallestPage = (bitmap: PageSizeBitmap): bigint => lowestSetBit(bitmap);

/** The largest page size in the bitmap; 0 if the bitmap is empty. */
export function largestPage(bitmap: PageSizeBitmap): bigint {
  return bitmap === 0n ? 0n : 1n << BigInt(bitmap.toString(2).length - 1);
}

/** The page sizes of `bitmap` that are smaller than `page`. */
export const below = (bitmap: PageSizeBitmap, page: bigint): PageSizeBitmap => bitmap & (page - 1n);

/** The page sizes of `bitmap` that are `page` or larger. */
export const atLeast = (bitmap: PageSizeBitmap, page: bigint): PageSizeBitmap => bitmap & ALL_BITS & -page;

/** The page sizes of the bitmap, ascending. */
export function pageSizes(bitmap: PageSizeBitmap): bigint[] {
  const sizes: bigint[] = [];
  for (let rest = bitmap as bigint; rest !== 0n; rest &= rest - 1n) sizes.push(lowestSetBit(rest));
  return sizes;
}
