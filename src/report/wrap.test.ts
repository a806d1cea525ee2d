import { describe, expect, it } from 'vitest';
import { wrap } from './wrap.ts';

describe('wrap', () => {
  it('leaves a short text as it is', () => {
    expect(wrap('one two', 10)).toEqual(['one two']);
    expect(wrap('', 10)).toEqual(['']);
  });

  it('breaks lines between words, so that no line is longer than the width', () => {
    expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  });

  it('indents all lines but the first', () => {
    expect(wrap('observed  one two three', 16, 10)).toEqual([
      'observed  one',
      '          two',
      '          three',
    ]);
  });

  it('gives a word that is longer than the width a line of its own', () => {
    expect(wrap('a 0123456789abc b', 8)).toEqual(['a', '0123456789abc', 'b']);
  });

  it('keeps a line that has exactly the width', () => {
    expect(wrap('one two', 7)).toEqual(['one two']);
    expect(wrap('one two', 6)).toEqual(['one', 'two']);
  });
});
