import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandText } from './shell.ts';

describe('commandText', () => {
  it('does not quote plain words', () => {
    const words = ['barproof', 'check', '--seed', 'nightly-7', '--revision', 'seed-v2+skip-as-posted'];
    expect(commandText(words)).toBe('barproof check --seed nightly-7 --revision seed-v2+skip-as-posted');
    expect(commandText(['./a/b_c.json', 'x=1', 'u@h:p', '50%', 'a,b'])).toBe(
      './a/b_c.json x=1 u@h:p 50% a,b',
    );
  });

  it.each([
    ['two words', `'two words'`],
    ['', `''`],
    ["it's", String.raw`'it'\''s'`],
    ['$HOME', `'$HOME'`],
    ['a*', `'a*'`],
    ['~', `'~'`],
    ['#', `'#'`],
  ])('quotes %j', (word, quoted) => {
    expect(commandText([word])).toBe(quoted);
  });

  it('writes no character that commands a terminal', () => {
    expect(commandText(['a\u001b[1m'])).toBe(String.raw`'a'"$(printf '\033')"'[1m'`);
  });

  it('quotes every word so that a shell reads the same word', () => {
    const words = [
      '',
      ' ',
      "'",
      "''",
      '"',
      '\\',
      '\n',
      'a\tb',
      '`id`',
      '$(id)',
      '!!',
      '{a,b}',
      '-n',
      'ß\u{1F980}',
      '\u001b[31mX\u009b2J\u202e',
      "it's \u001b\n\u0001\n",
    ];
    const said = execFileSync('sh', [
      '-c',
      `for word in ${commandText(words)}; do printf '%s\\0' "$word"; done`,
    ]);
    expect(said.toString('utf8').split('\0').slice(0, -1)).toEqual(words);
  });
});
