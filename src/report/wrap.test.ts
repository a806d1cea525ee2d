import { describe, expect, it } from 'vitest';
import { wrap } from './wrap.ts';

describe('wrap', () => {
  it('leaves a short text as it is', () => {
    expect(wrap('one two', 10)).toEqual(['one two']);
    expect(wrap('', 10)).toEqual(['']);
  });

  it('breaks between words, none longer than the width', () => {
    expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  });

  it('hangs what follows the first line', () => {
    expect(wrap('observed  one two three', 16, 10)).toEqual([
      'observed  one',
      '          two',
      '          three',
    ]);
  });

  it('gives a word that is too long a line of its own', () => {
    expect(wrap('a 0123456789abc b', 8)).toEqual(['a', '0123456789abc', 'b']);
  });

  it('never breaks what fits exactly', () => {
    expect(wrap('one two', 7)).toEqual(['one two']);
    expect(wrap('one two', 6)).toEqual(['one', 'two']);
  });
});
