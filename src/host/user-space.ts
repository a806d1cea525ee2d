import type { KvmArchitecture } from './kvm-architectures.ts';

/**
 * Where user space ends (access_ok of Linux, host fact D16). x86 with page tables of four levels leaves out the last
 * page below 2^47.
 */
const USER_SPACE_ENDS: Readonly<Record<KvmArchitecture, bigint>> = {
  x86: (1n << 47n) - 0x1000n,
  arm64: 1n << 48n,
  power: 1n << 52n,
  loongarch: 1n << 47n,
};

/** The first address behind the user space of a host with common settings. */
export const userSpaceEnd = (architecture: KvmArchitecture): bigint => USER_SPACE_ENDS[architecture];
