import { afterEach, describe, expect, it } from 'vitest';
import { fittedText, setTerminalWidth, wrap } from './wrap.ts';

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

describe('fittedText', () => {
  afterEach(() => setTerminalWidth(undefined));

  const long = `${'word '.repeat(20)}end`;

  it('ends each line with a newline, behind its indentation, and leaves it whole in a pipe', () => {
    expect(fittedText(['one', long], '   ')).toBe(`   one\n   ${long}\n`);
    expect(fittedText([])).toBe('');
  });

  it('breaks a line in a terminal, and indents what goes below', () => {
    setTerminalWidth(60);
    expect(fittedText([long], '   ')).toBe(`   ${'word '.repeat(11).trim()}\n     ${'word '.repeat(9)}end\n`);
  });
});
