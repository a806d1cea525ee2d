import { getSystemErrorMap } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Errno } from './errno.ts';
import { ERROR_TEXTS, strerror } from './strerror.ts';

describe('strerror', () => {
  it.each(Object.entries(Errno))('knows a text for %s', (name, errno) => {
    expect(strerror(errno)).toBe(ERROR_TEXTS.get(errno));
    expect(strerror(errno)).not.toBe(name);
  });

  it.each([...ERROR_TEXTS])('%i is an error number of Linux: %s', (errno) => {
    expect(getSystemErrorMap().has(-errno)).toBe(true);
  });

  it('gives the digits of an error number without a text', () => {
    expect(strerror(131)).toBe('131');
  });
});
