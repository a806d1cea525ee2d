import { existsSync, readFileSync } from 'node:fs';

/** The folder of barproof's own package.json, both for its source and for what is built from it. */
export const PACKAGE_ROOT = findPackageRoot();

/** Version of barproof. */
export const { version: VERSION } = JSON.parse(
  readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8'),
) as { version: string };

function findPackageRoot(): URL {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) folder = new URL('..', folder);
  return folder;
}
