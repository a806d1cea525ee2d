// No mask is `-unit`: the JavaScript engine computes with a negative `bigint` several times as long.

/** The largest multiple of `unit`, a power of two, that is not above `value`. */
export const alignDown = <A extends bigint>(value: A, unit: bigint): A =>
  (value - (value & (unit - 1n))) as A;

/** The smallest multiple of `unit`, a power of two, that is not below `value`; may be 2^64. */
export const alignUp = <A extends bigint>(value: A, unit: bigint): A =>
  alignDown((value + unit - 1n) as A, unit);

/** Whether `value` is a multiple of `unit`, a power of two. */
export const isAligned = (value: bigint, unit: bigint): boolean => (value & (unit - 1n)) === 0n;

/** Whether exactly one bit of `value` is set. */
export const isPowerOfTwo = (value: bigint): boolean => value > 0n && (value & (value - 1n)) === 0n;

/** The smallest power of two that is not below `value`; 1 for 0. */
export function powerOfTwoCeiling(value: bigint): bigint {
  let power = 1n;
  while (power < value) power <<= 1n;
  return power;
}

/** The largest power of two that divides `value`, which is the alignment of `value`; 0 for 0. */
export const lowestSetBit = (value: bigint): bigint => value ^ (value & (value - 1n));
