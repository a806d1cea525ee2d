import type { Size } from '../address/index.ts';
import type { KvmArchitecture } from './kvm-architectures.ts';

/** The addresses of user space on a host with common settings (host facts D16 and R4.5.6). */
export interface UserSpace {
  /** The first address behind user space (access_ok of Linux). */
  readonly end: bigint;
  /** The first address behind those that the kernel gives to an mmap of its own choice. */
  readonly endOfMmaps: bigint;
}

const K16: Size = 1n << 14n;
const K64: Size = 1n << 16n;

/**
 * The addresses of user space. x86 with page tables of four levels leaves out the last page below 2^47. Debian's
 * kernels for arm64 have addresses of 52 bits, of which an mmap without a hint uses 48, or 47 with pages of 16K. POWER
 * has 52 bits, and 47 without a hint, with pages of 64K alone. No session has a host with LoongArch.
 *
 * @param hostPageSize the host kernel's page in bytes.
 */
export function userSpaceOf(
  architecture: Exclude<KvmArchitecture, 'loongarch'>,
  hostPageSize: Size,
): UserSpace {
  switch (architecture) {
    case 'x86':
      return { end: (1n << 47n) - 0x1000n, endOfMmaps: (1n << 47n) - 0x1000n };
    case 'arm64':
      return { end: 1n << 52n, endOfMmaps: hostPageSize === K16 ? 1n << 47n : 1n << 48n };
    case 'power':
      return hostPageSize === K64
        ? { end: 1n << 52n, endOfMmaps: 1n << 47n }
        : { end: 1n << 46n, endOfMmaps: 1n << 46n };
  }
}
