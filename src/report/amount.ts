const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** A number of bytes, cut to two decimals: `1.5 MiB`. For sums of many cases; exact sizes use `bytes`. */
export function amount(count: bigint): string {
  const size = count < 0n ? -count : count;
  let unit = 0;
  while (unit < UNITS.length - 1 && size >> BigInt(10 * (unit + 1)) > 0n) unit++;
  const hundredths = (size * 100n) >> BigInt(10 * unit);
  const value = (Number(hundredths) / 100).toString();
  return `${count < 0n ? '-' : ''}${value} ${size === 1n ? 'byte' : UNITS[unit]}`;
}

/** A change in bytes with its sign: `+1.5 MiB`; `-` for no change. */
export const amountChange = (change: bigint): string =>
  change === 0n ? '-' : `${change > 0n ? '+' : ''}${amount(change)}`;

/** A change of a count with its sign: `+2`, `-1`; `-` for no change. */
export const countChange = (change: bigint): string =>
  change === 0n ? '-' : `${change > 0n ? '+' : ''}${change}`;
