import { END_OF_SPACE, isAligned, low64, type Size } from '../../address/index.ts';
import { Errno } from '../errno.ts';
import type { KvmArchitecture } from '../kvm-architectures.ts';
import type { KernelRules } from './kernel-rules.ts';

/** Slots before Linux 5.12 (host fact R6.1.3). */
const SLOTS: Readonly<Record<KvmArchitecture, number>> = { x86: 509, arm64: 512, power: 512, loongarch: 256 };

/** Whether `[start, start + size)` ends at most at 2^64. */
const fits = (start: bigint, size: Size): boolean => start + size <= END_OF_SPACE;

/**
 * The oldest kernel that a scenario may name: a BAR below the page size may be mmapped, and the pages of the
 * MSI-X table may not.
 */
export const linux4_8: KernelRules = {
  msixMmap: 'sparse-msix',
  type1: {
    checkMap: ({ iova, size, hostAddress }, granule) => {
      // host fact M6; a size of 2^64 does not fit the request's field and arrives as 0.
      if (low64(size) === 0n) return Errno.EINVAL;
      // host facts M7 and M8: the kernel tests the last byte, so a mapping may end at 2^64.
      if (!isAligned(size | iova | hostAddress, granule)) return Errno.EINVAL;
      return fits(iova, size) && fits(hostAddress, size) ? 0 : Errno.EINVAL;
    },
    // host facts U6 and U8
    checkUnmap: (iova, size, granule) =>
      low64(size) !== 0n && isAligned(iova | size, granule) && fits(iova, size) ? 0 : Errno.EINVAL,
    findsEndOfSpace: false,
    replacesAddresses: false,
    limitsMappings: false,
    checksValidIovas: false,
  },
  iommufd: undefined,
  kvm: { slotLimit: (architecture) => SLOTS[architecture], refusesSlotsAboveWidthOnX86: false },
};
