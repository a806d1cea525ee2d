import { existsSync } from 'node:fs';

/** The folder of barproof's own package.json, whether this is its source or what was built from it. */
export function packageRoot(): URL {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) folder = new URL('..', folder);
  return folder;
}
