/** Unsigned 64-bit addresses, ranges up to 2^64, alignment, page-size bitmaps, and the hexadecimal text of addresses. */
export * from './address.ts';
export * from './alignment.ts';
export * from './bytes.ts';
export * from './hex.ts';
export * from './order.ts';
export * from './page-size-bitmap.ts';
export * from './range.ts';
