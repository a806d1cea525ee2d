import { getSystemErrorMap } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Errno } from './errno.ts';
import { ERROR_TEXTS, strerror } from './strerror.ts';

/** Texts of the C library that Node words in another way. */
const TEXTS_UNLIKE_NODES = new Map([
  [5, 'Input/output error'],
  [12, 'Cannot allocate memory'],
  [14, 'Bad address'],
  [16, 'Device or resource busy'],
  [17, 'File exists'],
  [95, 'Operation not supported'],
]);

/** What Node says to an error number, with a capital letter as the C library has it. */
function textOfNode(errno: number): string | undefined {
  const text = getSystemErrorMap().get(-errno)?.[1];
  return text && text.charAt(0).toUpperCase() + text.slice(1);
}

describe('strerror', () => {
  it.each(Object.entries(Errno))('knows a text for %s', (name, errno) => {
    expect(strerror(errno)).toBe(ERROR_TEXTS.get(errno));
    expect(strerror(errno)).not.toBe(name);
  });

  it.each([...ERROR_TEXTS])('has for %i the text of the C library: %s', (errno, text) => {
    expect(text).toBe(TEXTS_UNLIKE_NODES.get(errno) ?? textOfNode(errno));
  });

  it('knows a text for E2BIG, with which KVM refuses a list that is too short', () => {
    expect(strerror(7)).toBe('Argument list too long');
  });

  it('gives the digits of an error number without a text', () => {
    expect(strerror(131)).toBe('131');
  });
});
