import { hex } from './hex.ts';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;
/** A larger number of units is hard to read, so a larger unit comes first. */
const MOST_OF_A_UNIT = 99_999n;
/** More parts are harder to read than the number in hex. */
const MOST_PARTS = 3;

/**
 * A number of bytes in the largest unit that divides the number: `64 KiB`, `6 KiB`, `1 byte`. Where that would be a long
 * number, larger units come first, `128 GiB + 49148 KiB`, and at last the number is in hex: `0xffffffffffffffff bytes`.
 */
export function bytes(count: bigint): string {
  const parts: string[] = [];
  let rest = count;
  for (;;) {
    const unit = dividing(rest);
    const value = rest / sizeOf(unit);
    if (value <= MOST_OF_A_UNIT || unit === UNITS.length - 1)
      return [...parts, text(value, unit)].join(' + ');
    if (parts.length === MOST_PARTS - 1) return `${hex(count)} bytes`;
    const larger = within(rest);
    parts.push(text(rest / sizeOf(larger), larger));
    rest %= sizeOf(larger);
  }
}

const text = (value: bigint, unit: number): string =>
  value === 1n && unit === 0 ? '1 byte' : `${value} ${UNITS[unit]}`;

const sizeOf = (unit: number): bigint => 1024n ** BigInt(unit);

/** The largest unit that divides the count. */
function dividing(count: bigint): number {
  if (count === 0n) return 0;
  let unit = 0;
  while (unit < UNITS.length - 1 && count % sizeOf(unit + 1) === 0n) unit++;
  return unit;
}

/** The largest unit of which the count, of at least one byte, has at least one. */
function within(count: bigint): number {
  let unit = UNITS.length - 1;
  while (count < sizeOf(unit)) unit--;
  return unit;
}
