/** Simpler numbers in place of `value`: round ones, its leading digits followed by zeros, and half of it. */
export function* rounderNumbers(value: bigint): Generator<bigint> {
  yield* [0n, 0x1000n, 0x1_0000n, 0x2000n, 0x2_0000n, 0x100n];
  for (let unit = 1n << 60n; unit >= 8n; unit >>= 4n) {
    if (value > unit) yield value - (value % unit);
  }
  yield (value / 2n) & ~7n;
}

/** Addresses with one or two digits that are not 0, inside and outside the machines' windows. */
export const ROUND_ADDRESSES: readonly bigint[] = [
  0xc000_0000n,
  0x80_0000_0000n,
  0x2100_0000_0000n,
  0x1000_0000n,
  0x8000_0000n,
  0xc001_0000n,
  0xc000_1000n,
];
