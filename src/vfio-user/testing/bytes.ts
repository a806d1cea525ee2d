/** Bytes from pairs of hex digits, in the order of the message. White space is ignored. */
export function bytes(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new RangeError(`not pairs of hex digits: ${text}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Pairs of hex digits from bytes, with a space after every four bytes. */
export const text = (data: Uint8Array): string =>
  Array.from(data, (byte, index) => byte.toString(16).padStart(2, '0') + (index % 4 === 3 ? ' ' : ''))
    .join('')
    .trimEnd();
