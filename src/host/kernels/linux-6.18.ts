import { END_OF_SPACE, isAligned, low64, type Size } from '../../address/index.ts';
import { Errno } from '../errno.ts';
import type { KernelRules } from './kernel-rules.ts';
import { linux6_13 } from './linux-6.13.ts';

/** Whether `[start, start + size)` ends past 2^64. */
const wraps = (start: bigint, size: Size): boolean => start + size > END_OF_SPACE;

/**
 * type1 answers EOVERFLOW to a range that wraps past 2^64, tests a map for the wrap before the alignment, and
 * finds ranges that end at 2^64 (host facts D1 and D2). Measured on 7.2; the release is known from the history.
 */
export const linux6_18: KernelRules = {
  ...linux6_13,
  type1: {
    ...linux6_13.type1,
    checkMap: ({ iova, size, hostAddress }, granule) => {
      if (low64(size) === 0n) return Errno.EINVAL;
      if (wraps(iova, size) || wraps(hostAddress, size)) return Errno.EOVERFLOW;
      return isAligned(size | iova | hostAddress, granule) ? 0 : Errno.EINVAL;
    },
    checkUnmap: (iova, size, granule) => {
      if (low64(size) === 0n || !isAligned(iova | size, granule)) return Errno.EINVAL;
      return wraps(iova, size) ? Errno.EOVERFLOW : 0;
    },
    findsEndOfSpace: true,
  },
};
