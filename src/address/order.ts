/** The lower of two numbers. `Math.min` takes no bigint. */
export const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The sum of sizes, in bytes. */
export const totalSize = (parts: readonly { readonly size: bigint }[]): bigint =>
  parts.reduce((sum, { size }) => sum + size, 0n);

/** The higher of two numbers. */
export const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b);
