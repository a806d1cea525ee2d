/** The largest multiple of `unit` that is not above `value`. `unit` is a power of two. */
export const alignDown = <A extends bigint>(value: A, unit: bigint): A => (value & -unit) as A;

/** The smallest multiple of `unit` that is not below `value`; may be 2^64. `unit` is a power of two. */
export const alignUp = <A extends bigint>(value: A, unit: bigint): A => ((value + unit - 1n) & -unit) as A;

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

/** The largest power of two that divides `value`, or 0 for 0: the alignment `value` happens to have. */
export const lowestSetBit = (value: bigint): bigint => value & -value;
