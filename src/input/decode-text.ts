/**
 * The text of bytes: UTF-8, or UTF-16 where a byte order mark says so, as PowerShell and editors of Windows write it. The
 * mark itself is left out.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/**
 * Why what was read as UTF-8 is no text, as far as its first letters show that: it is UTF-16, is of another encoding or no text
 * at all, or begins with zeros.
 */
export function whyNoText(text: string): string | undefined {
  // Letters of ASCII have a byte of zero in UTF-16.
  if (/^(?:\0[^\0]|[^\0]\0)/.test(text)) return 'the text seems to be UTF-16; expected UTF-8';
  if (text.startsWith('\ufffd')) return 'the text is not UTF-8';
  return text.startsWith('\0') ? 'it begins with bytes of zero, which no text has' : undefined;
}
