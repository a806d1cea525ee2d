const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** A number of bytes in the largest unit that divides the number: `64 KiB`, `6 KiB`, `1 byte`. */
export function bytes(count: bigint): string {
  if (count === 1n) return '1 byte';
  let unit = 0;
  let value = count;
  while (unit < UNITS.length - 1 && value !== 0n && value % 1024n === 0n) {
    value /= 1024n;
    unit++;
  }
  return `${value} ${UNITS[unit]}`;
}
