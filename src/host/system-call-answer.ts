import type { Errno } from './errno.ts';

/** What a system call of sPAPR TCE returns: 0, -1 with an error number, or a positive number (host fact D4). */
export interface SystemCallAnswer {
  readonly returned: number;
  /** 0 unless `returned` is -1: with a positive number the kernel sets no error. */
  readonly errno: Errno;
}

/** The call succeeded. */
export const SUCCESS: SystemCallAnswer = { returned: 0, errno: 0 };

/** The call failed with this error. */
export const failed = (errno: Exclude<Errno, 0>): SystemCallAnswer => ({ returned: -1, errno });

/** The call returned 1 and did nothing: for sPAPR the answer to an IOVA off the page (host fact D4). */
export const RETURNED_ONE: SystemCallAnswer = { returned: 1, errno: 0 };
