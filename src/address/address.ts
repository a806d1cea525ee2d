/**
 * Addresses are unsigned 64-bit numbers held in `bigint`; the end of a range and the size of a
 * region may be 2^64 itself (QEMU uses a signed 128-bit type for the same reason).
 *
 * `bigint` was chosen by measurement (`address.bench.ts`). On Node 20 a comparison of two costs about
 * three times as much as that of two `number`s, and an addition four times as much. An object of two
 * 32-bit halves is no cheaper, and code with `bigint` reads like the arithmetic that it does.
 *
 * The brands below keep the kinds of address apart at compile time; at run time they do not exist.
 */
declare const space: unique symbol;

/** An address in some address space: where a flat range begins or ends. Unsigned, at most 2^64. */
export type Address = bigint;
/** A guest-physical address. */
export type Gpa = Address & { readonly [space]: 'gpa' };
/** An I/O virtual address: what a device puts on the bus and the IOMMU translates. */
export type Iova = Address & { readonly [space]: 'iova' };
/** A virtual address of the VMM process: the backing that VFIO_MAP_DMA and KVM memslots name. */
export type HostAddress = Address & { readonly [space]: 'host' };
/** An offset from the start of a memory region, a BAR or a file, in bytes. */
export type Offset = bigint & { readonly [space]: 'offset' };
/** A number of bytes, at most 2^64. */
export type Size = bigint;

/** One past the last 64-bit address; also the largest size a region can have. */
export const END_OF_SPACE: bigint = 1n << 64n;
/** The last 64-bit address. */
export const LAST_ADDRESS: bigint = END_OF_SPACE - 1n;

/** Marks `value` as a guest-physical address. */
export const gpa = (value: bigint): Gpa => value as Gpa;
/** Marks `value` as an I/O virtual address. */
export const iova = (value: bigint): Iova => value as Iova;
/** Marks `value` as an address in the VMM process. */
export const hostAddress = (value: bigint): HostAddress => value as HostAddress;
/** Marks `value` as an offset. */
export const offset = (value: bigint): Offset => value as Offset;

/** `value` modulo 2^64: what a 64-bit register keeps of `value`. */
export const low64 = (value: bigint): bigint => BigInt.asUintN(64, value);
