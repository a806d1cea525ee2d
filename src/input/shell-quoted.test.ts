import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { shellQuoted } from './shell-quoted.ts';

it.each(['', 'two words', `it's`, `''`, '$HOME `id` \\ "\n*'])(
  'shellQuoted: a shell reads %j back',
  (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${shellQuoted(text)}`], { encoding: 'utf8' })).toBe(text);
  },
);
