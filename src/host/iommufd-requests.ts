import { LAST_ADDRESS, low64, offset, type HostAddress, type Iova, type Size } from '../address/index.ts';
import { IOAS_IOVA_RANGES, IOAS_MAP, IOAS_MAP_FILE, IOAS_MAP_FLAGS, IOAS_UNMAP } from './abi/index.ts';
import type { Aperture } from './aperture.ts';
import { Errno } from './errno.ts';
import {
  failedMap,
  failedUnmap,
  type ChosenMapResult,
  type DmaMapRequest,
  type UnmapResult,
} from './iommu-container.ts';
import type { IommufdIoas } from './iommufd.ts';
import type { RequestHeader } from './request-header.ts';

const { FIXED_IOVA, WRITEABLE, READABLE } = IOAS_MAP_FLAGS;
const KNOWN_FLAGS = FIXED_IOVA | WRITEABLE | READABLE;

/** The tests of IOVA, length and flags, which maps of memory and of files have in common (host facts I1 to I3). */
function checkHeader({ iova, size }: { readonly iova: Iova; readonly size: Size }, flags: number): Errno {
  if ((flags & ~KNOWN_FLAGS) !== 0) return Errno.EOPNOTSUPP;
  if (iova === LAST_ADDRESS || size === LAST_ADDRESS) return Errno.EOVERFLOW;
  return (flags & (READABLE | WRITEABLE)) === 0 ? Errno.EINVAL : 0;
}

function mapWith(space: IommufdIoas, request: DmaMapRequest, flags: number): ChosenMapResult {
  if ((flags & FIXED_IOVA) === 0) return space.mapAnywhere(request);
  const errno = space.map(request);
  return errno === 0 ? { errno, iova: request.iova } : failedMap(errno);
}

/** IOMMU_IOAS_MAP with any size and flags. Linux ioas.c:iommufd_ioas_map, host facts R2.2.10 and I1 to I14. */
export function requestIoasMap(
  space: IommufdIoas,
  request: DmaMapRequest,
  { argsz = IOAS_MAP.bytes, flags }: RequestHeader,
): ChosenMapResult {
  if (argsz < IOAS_MAP.bytes) return failedMap(Errno.EINVAL);
  const errno = checkHeader(request, flags);
  return errno === 0 ? mapWith(space, request, flags) : failedMap(errno);
}

/** A dma-buf that a caller has exported: how many bytes and ranges it has, and whether its BAR can be accessed. */
export interface ExportedDmaBuf {
  readonly bytes: Size;
  readonly ranges: number;
  readonly accessible: boolean;
}

/** The fields of IOMMU_IOAS_MAP_FILE. */
export interface MapFileRequest {
  readonly iova: Iova;
  readonly size: Size;
  /** Where the mapping begins in the file. */
  readonly start: bigint;
}

/**
 * IOMMU_IOAS_MAP_FILE of a dma-buf. Linux ioas.c:iommufd_ioas_map_file, host facts B4 to B9 and R11.1.
 *
 * @param file `undefined` for a descriptor that is not open
 */
export function requestIoasMapFile(
  space: IommufdIoas,
  { iova, size, start }: MapFileRequest,
  file: ExportedDmaBuf | undefined,
  { argsz = IOAS_MAP_FILE.bytes, flags }: RequestHeader,
): ChosenMapResult {
  if (argsz < IOAS_MAP_FILE.bytes) return failedMap(Errno.EINVAL);
  const errno = checkHeader({ iova, size }, flags);
  if (errno !== 0) return failedMap(errno);
  if (size === 0n) return failedMap(Errno.EINVAL);
  if (start + size - 1n > LAST_ADDRESS) return failedMap(Errno.EOVERFLOW);
  // host fact B12
  if (file === undefined) return failedMap(Errno.EBADF);
  const { bytes, ranges, accessible } = file;
  const request: DmaMapRequest = {
    ...{ iova, size, hostAddress: low64(start) as HostAddress },
    ...{ readonly: (flags & WRITEABLE) === 0, deviceMemory: true, unusable: !accessible },
    backing: { region: 'dma-buf', owner: undefined, offset: offset(start) },
    dmaBuf: { start, bytes, ranges },
  };
  return mapWith(space, request, flags);
}

/** IOMMU_IOAS_UNMAP with any size. Linux ioas.c:iommufd_ioas_unmap, host facts 2.3 and R2.2.10. */
export const requestIoasUnmap = (
  space: IommufdIoas,
  { iova, size }: { readonly iova: Iova; readonly size: Size },
  argsz: number = IOAS_UNMAP.bytes,
): UnmapResult => (argsz < IOAS_UNMAP.bytes ? failedUnmap(Errno.EINVAL) : space.unmap(iova, size));

/** The answer of IOMMU_IOAS_IOVA_RANGES. */
export interface IovaRangesResult {
  readonly errno: Errno;
  /** What the kernel returns, also with EMSGSIZE; `undefined` if the kernel refuses the request. */
  readonly returned?: {
    /** How many ranges there are. */
    readonly needed: number;
    /** A, in bytes. */
    readonly alignment: Size;
    /** As many as the caller has room for. */
    readonly ranges: readonly Aperture[];
  };
}

/**
 * IOMMU_IOAS_IOVA_RANGES. Linux ioas.c:iommufd_ioas_iova_ranges, host fact R2.4.1.
 *
 * @param count how many ranges the caller has room for
 */
export function requestIovaRanges(
  space: IommufdIoas,
  count: number,
  argsz: number = IOAS_IOVA_RANGES.bytes,
): IovaRangesResult {
  if (argsz < IOAS_IOVA_RANGES.bytes) return { errno: Errno.EINVAL };
  const { iovaRanges, alignment } = space;
  return {
    errno: count < iovaRanges.length ? Errno.EMSGSIZE : 0,
    returned: { needed: iovaRanges.length, alignment, ranges: iovaRanges.slice(0, count) },
  };
}
