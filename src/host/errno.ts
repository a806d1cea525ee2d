/** The Linux error numbers that the modelled kernel interfaces return, as positive numbers. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOTTY: 25,
  ENOSPC: 28,
  EOVERFLOW: 75,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
} as const;

/** A Linux error number; 0 is success. */
export type Errno = 0 | (typeof Errno)[keyof typeof Errno];

const NAMES = new Map<number, string>(Object.entries(Errno).map(([name, errno]) => [errno, name]));

/** The name of an error number, `EINVAL` for 22; the number in digits if `Errno` has no name for it. */
export const errnoName = (errno: number): string => NAMES.get(errno) ?? String(errno);
