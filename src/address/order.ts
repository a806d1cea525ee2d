/** The lower of two numbers. `Math.min` takes no bigint. */
export const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The higher of two numbers. */
export const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b);
