import { expect, it } from 'vitest';
import { decodeText, whyNoText } from './decode-text.ts';

const why = (bytes: Uint8Array): string | undefined => whyNoText(decodeText(bytes));

it('takes UTF-16 with a byte order mark', () => {
  expect(decodeText(Buffer.from('\ufeff{}', 'utf16le'))).toBe('{}');
});

it('knows UTF-16 without a mark', () => {
  const message = 'the text seems to be UTF-16; expected UTF-8';
  expect(why(Buffer.from('{}', 'utf16le'))).toBe(message);
  expect(why(Buffer.from('{}', 'utf16le').swap16())).toBe(message);
});

it.each([
  ['a picture (JPEG)', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10])],
  ['Latin-1', Buffer.from('\u00e4\u00f6{}', 'latin1')],
  ['Latin-1 with one such letter', Buffer.from('\u00e4{}', 'latin1')],
])('says of %s that it is not UTF-8', (_, bytes) => {
  expect(why(bytes)).toBe('the text is not UTF-8');
});

it('knows zeros, and finds nothing in text', () => {
  expect(why(Buffer.alloc(10))).toBe('it begins with bytes of zero, which no text has');
  expect(why(Buffer.from('\u00e4{', 'utf8'))).toBeUndefined();
});
