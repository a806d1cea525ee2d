/** The largest power of two that JavaScript holds as a safe integer. */
export const POWER_OF_TWO_LIMIT = 1n << 52n;

/** The powers of two from `least` to `most`, both included. */
export function powersOfTwo(least: bigint, most: bigint): readonly bigint[] {
  const powers: bigint[] = [];
  for (let power = 1n; power <= most; power <<= 1n) if (power >= least) powers.push(power);
  return powers;
}

/** A regular expression for the hex strings from `least` to `most`, with any number of leading zeros. */
export const hexRange = (least: bigint, most: bigint): string =>
  `^0x0*(?:${alternatives(least, most).join('|')})$`;

function alternatives(least: bigint, most: bigint): readonly string[] {
  const found: string[] = [];
  const longest = most.toString(16).length;
  for (let length = least.toString(16).length; length <= longest; length++) {
    // Zero has no first digit beside its leading zeros.
    const first = length === 1 ? 0n : 16n ** BigInt(length - 1);
    const last = 16n ** BigInt(length) - 1n;
    const [low, high] = [least > first ? least : first, most < last ? most : last];
    found.push(...ofEqualLength(pad(low, length), pad(high, length)));
  }
  return found;
}

const pad = (value: bigint, length: number): string => value.toString(16).padStart(length, '0');

/** The patterns for the numbers from `low` to `high`, which have equally many digits. */
function ofEqualLength(low: string, high: string): readonly string[] {
  if (low === '') return [''];
  const rest = low.length - 1;
  const [lowest, highest] = ['0'.repeat(rest), 'f'.repeat(rest)];
  const [lowTail, highTail] = [low.slice(1), high.slice(1)];
  let [from, to] = [digit(low), digit(high)];
  if (from === to) return ofEqualLength(lowTail, highTail).map((tail) => digits(from, from) + tail);
  const patterns: string[] = [];
  if (lowTail !== lowest) {
    patterns.push(...ofEqualLength(lowTail, highest).map((tail) => digits(from, from) + tail));
    from++;
  }
  const last: string[] = [];
  if (highTail !== highest) {
    last.push(...ofEqualLength(lowest, highTail).map((tail) => digits(to, to) + tail));
    to--;
  }
  if (from <= to) patterns.push(digits(from, to) + any(rest));
  return [...patterns, ...last];
}

const digit = (text: string): number => Number.parseInt(text[0]!, 16);

const any = (count: number): string =>
  count === 0 ? '' : count === 1 ? '[0-9a-fA-F]' : `[0-9a-fA-F]{${count}}`;

/** The digits from `from` to `to`, letters in both cases. */
function digits(from: number, to: number): string {
  const list = Array.from({ length: to - from + 1 }, (_, index) => (from + index).toString(16));
  const all = list.flatMap((one) => (/[a-f]/.test(one) ? [one, one.toUpperCase()] : [one]));
  return all.length === 1 ? all[0]! : `[${all.join('')}]`;
}
