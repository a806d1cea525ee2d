import { describe, expect, it } from 'vitest';
import { printable } from './printable.ts';

describe('printable', () => {
  it.each([
    ['an escape sequence', '\u001b[31m', '\\u001b[31m'],
    ['a line end', 'a\nb\r', 'a\\u000ab\\u000d'],
    ['DEL', '\u007f', '\\u007f'],
    ['the first and the last C1 character', '\u0080\u009b2J\u009f', '\\u0080\\u009b2J\\u009f'],
    ['an override of the direction', 'a\u202eb', 'a\\u202eb'],
    [
      'every embedding, isolate and mark',
      '\u202a\u2066\u2069\u200e\u200f\u061c',
      '\\u202a\\u2066\\u2069\\u200e\\u200f\\u061c',
    ],
    ['a byte order mark', '\ufeffa', '\\ufeffa'],
    ['line and paragraph separators', '\u2028\u2029', '\\u2028\\u2029'],
  ])('spells out %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('leaves letters of all languages as they are', () => {
    const text = ' ~\u00a0é漢שלום\u{1F980}';
    expect(printable(text)).toBe(text);
  });
});
