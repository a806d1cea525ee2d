import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellLines } from './shell-lines.ts';

const words = (command: string): string =>
  execFileSync('/bin/sh', ['-c', `printf '%s|' ${command}`], { encoding: 'utf8' });

describe('the lines of a command', () => {
  it.each([
    ['a short one', 'barproof check --seed ci'],
    ['many words', `barproof replay ${'regressions/known/a-case.json '.repeat(9).trim()}`],
    [
      'a path longer than a line',
      `barproof replay /${'a-very-long-folder-name/'.repeat(8)}case.json --revision x`,
    ],
    ['a quoted word with blanks', `barproof replay '${'a folder of mine/'.repeat(12)}case.json'`],
    [
      'a quote in a quoted word',
      String.raw`barproof replay 'it'\''s a folder of some length/${'and more of it/'.repeat(9)}it'\''s.json'`,
    ],
    ['a backslash in a quoted word', String.raw`barproof replay '${'C:\\folder\\'.repeat(12)}case.json'`],
  ])('of %s fit into 66 columns and are the same command for a shell', (_, command) => {
    const lines = shellLines(command, 66);
    expect(lines.filter((line) => line.length > 66)).toEqual([]);
    expect(words(lines.join('\n'))).toBe(words(command));
  });
});
