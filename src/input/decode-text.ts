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

/** Whether a text that was read as UTF-8 is UTF-16: every other byte of its first letters is zero, or a mark is broken. */
export const looksLikeUtf16 = (text: string): boolean => /^(?:\ufffd\ufffd|\0[^\0]|[^\0]\0)/.test(text);
