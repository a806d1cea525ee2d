import { expect, it } from 'vitest';
import { programWords } from './program-words.ts';

it.each([
  [
    'npx',
    '/p/node_modules/.bin/barproof',
    { npm_command: 'exec', PATH: '/p/node_modules/.bin' },
    'npx barproof',
  ],
  ['a global installation', '/usr/bin/barproof', { PATH: '/bin:/usr/bin' }, 'barproof'],
  [
    'a link that is not in PATH',
    '/p/node_modules/.bin/barproof',
    { PATH: '/bin' },
    '/p/node_modules/.bin/barproof',
  ],
  ['a checkout', '/src/dist/src/cli/main.js', { PATH: '/bin' }, 'node /src/dist/src/cli/main.js'],
  ['another program', '/p/vitest.mjs', {}, 'barproof'],
])('a printed command begins as the user has started barproof: %s', (_, file, environment, words) => {
  expect(programWords(file, environment).join(' ')).toBe(words);
});
