import {
  alignUp,
  greater,
  LAST_ADDRESS,
  lesser,
  lowestSetBit,
  partsOutside,
  powerOfTwoCeiling,
  type Iova,
  type Range,
  type Size,
} from '../address/index.ts';
import type { Aperture } from './aperture.ts';
import { Errno } from './errno.ts';
import { failedMap, type ChosenMapResult } from './iommu-container.ts';

/** What iommufd knows when it chooses an IOVA. */
export interface IovaChoice {
  /** The length of the mapping in bytes, at least 1. */
  readonly size: Size;
  /** The address of the memory, or where the mapping begins in a file. */
  readonly memory: bigint;
  /** A, the alignment of the address space, in bytes. */
  readonly alignment: Size;
  /** The host kernel's page in bytes. */
  readonly hostPageSize: Size;
  /** The addresses that are not reserved. Empty is every address. */
  readonly apertures: readonly Aperture[];
  /** The mapped ranges. */
  readonly taken: readonly Range[];
}

/** Of 4K pages on x86 and arm64, 2 MiB: a table of a page has an entry of 8 bytes for each page. */
const hugePage = (page: Size): Size => (page * page) / 8n;

/**
 * The IOVA that iommufd chooses for a map without IOMMU_IOAS_MAP_FIXED_IOVA: the lowest one from page 1 on that is as
 * aligned as the memory, up to a huge page, so that the IOMMU can use its large pages. Linux
 * io_pagetable.c:iopt_alloc_iova of a kernel with transparent huge pages, host facts I12 and R2.2.7 to R2.2.9.
 *
 * @returns the IOVA, or why there is none
 */
export function chooseIova({ size, memory, ...space }: IovaChoice): ChosenMapResult {
  const { hostPageSize } = space;
  // host fact I12
  if (size >= LAST_ADDRESS / 2n) return failedMap(Errno.EOVERFLOW);
  const wanted = powerOfTwoCeiling(size);
  // host fact R2.2.7
  const aligned = memory === 0n ? wanted : lesser(wanted, lowestSetBit(memory));
  const alignment = lesser(aligned, hugePage(hostPageSize));
  // host fact R2.2.8
  if (alignment < space.alignment) return failedMap(Errno.EINVAL);
  const inPage = memory & (hostPageSize - 1n);
  for (const { start, end } of holes(space)) {
    const first = alignUp(start, alignment) | inPage;
    if (first + size <= end) return { errno: 0, iova: first as Iova };
  }
  return failedMap(Errno.ENOSPC);
}

/** The free ranges, ascending; the first page and the last stay free (host fact R2.2.9). */
function holes({ apertures, taken, hostPageSize }: Omit<IovaChoice, 'size' | 'memory'>): Range[] {
  const allowed = { start: hostPageSize, end: LAST_ADDRESS - hostPageSize + 1n };
  const usable =
    apertures.length === 0
      ? [allowed]
      : apertures.map(({ first, last }) => ({
          start: greater(first, allowed.start),
          end: lesser(last + 1n, allowed.end),
        }));
  return usable.filter(({ start, end }) => start < end).flatMap((range) => partsOutside(range, taken));
}
