/**
 * Encodes the numbers of ioctl requests. Most interfaces here use _IO, which encodes no size. On powerpc _IO sets a
 * bit for the direction "none". Source: Linux include/uapi/asm-generic/ioctl.h and
 * arch/powerpc/include/uapi/asm/ioctl.h.
 */
export interface IoctlEncoding {
  /** _IO(type, number). */
  none(type: number, number: number): number;
  /** _IOW(type, number, size): the caller writes `size` bytes to the kernel. */
  write(type: number, number: number, size: number): number;
}

const encoding = (none: number, write: number, directionShift: number): IoctlEncoding => {
  const request = (direction: number, type: number, number: number, size: number): number =>
    direction * 2 ** directionShift + size * 2 ** 16 + type * 2 ** 8 + number;
  return {
    none: (type, number) => request(none, type, number, 0),
    write: (type, number, size) => request(write, type, number, size),
  };
};

/** x86, arm64, riscv, s390, loongarch: _IOC_NONE is 0 and _IOC_WRITE 1, above 14 bits of size. */
export const GENERIC_IOCTLS = encoding(0, 1, 30);
/** powerpc: _IOC_NONE is 1 and _IOC_WRITE 4, above 13 bits of size. */
export const POWERPC_IOCTLS = encoding(1, 4, 29);
