import { afterEach, describe, expect, it } from 'vitest';
import { alignedLines, table } from './table.ts';
import { setTerminalWidth } from './wrap.ts';

const LONG = 'eleven plain words that together have more than sixty characters, wrapped';
const NAME = 'a-name-of-one-word-that-takes-half-of-the-terminal';

afterEach(() => setTerminalWidth(undefined));

describe('a table', () => {
  it('has one line for each row where no terminal shows it', () => {
    expect(
      table(
        [
          ['a', '1', LONG],
          ['bcd', '22', ''],
        ],
        [1],
      ),
    ).toEqual([`a     1  ${LONG}`, 'bcd  22']);
  });

  it('breaks its longest cells between words on a terminal', () => {
    setTerminalWidth(60);
    expect(
      table([
        ['a', LONG],
        ['bcd', 'short'],
      ]),
    ).toEqual([
      'a    eleven plain words that together have more than',
      '     sixty characters, wrapped',
      'bcd  short',
    ]);
  });

  it('puts the other cells below the first where narrow columns have no room', () => {
    setTerminalWidth(60);
    expect(
      table([
        ['name', 'state', 'why'],
        [NAME, 'broken', LONG],
        ['', '', 'and more'],
        ['b', 'holds', ''],
      ]),
    ).toEqual([
      'name',
      '  state   why',
      NAME,
      '  broken  eleven plain words that together have more than',
      '          sixty characters, wrapped',
      '          and more',
      'b  holds',
    ]);
  });

  it('keeps a word that is longer than the terminal whole', () => {
    setTerminalWidth(60);
    const path = `/${'long/'.repeat(20)}`;
    expect(table([['a', path]])).toEqual(['a', `  ${path}`]);
  });

  it('of a report in a file does not depend on the terminal', () => {
    setTerminalWidth(60);
    expect(alignedLines([['a', LONG]])).toEqual([`a  ${LONG}`]);
  });
});
