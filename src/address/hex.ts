import { END_OF_SPACE } from './address.ts';

/** `0x` and the lower-case digits: the form of addresses in scenarios, traces and messages. */
export const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Sixteen lower-case digits without a prefix: the form of `info mtree`. */
export const hex16 = (value: bigint): string => value.toString(16).padStart(16, '0');

/**
 * Reads a number from 0 to 2^64 from a hex string with `0x` or from a safe integer. 2^64 itself is
 * allowed, because a size may be 2^64.
 *
 * @returns `undefined` if `value` has neither form or is out of range.
 */
export function parseHex(value: unknown): bigint | undefined {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  }
  // Twenty characters hold 2^64 with its prefix and one leading zero; the limit also keeps BigInt() cheap.
  if (typeof value !== 'string' || value.length > 20 || !/^0x[0-9a-fA-F]+$/.test(value)) return undefined;
  const parsed = BigInt(value);
  return parsed <= END_OF_SPACE ? parsed : undefined;
}
