import { homedir } from 'node:os';
import { expect, it } from 'vitest';
import { userCacheFolder } from './user-cache-folder.ts';

it.each([
  [undefined, `${homedir()}/.cache/barproof`],
  ['', `${homedir()}/.cache/barproof`],
  ['caches', `${homedir()}/.cache/barproof`],
  ['/var/caches', '/var/caches/barproof'],
])('the cache of a user whose XDG_CACHE_HOME is %j is %s', (named, folder) => {
  expect(userCacheFolder({ XDG_CACHE_HOME: named })).toBe(folder);
});
