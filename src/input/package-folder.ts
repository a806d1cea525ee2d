import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder of barproof's own package.json, where `regressions` and the C files are. It is the same folder for the
 * source, for what the compiler made of it, and for the bundled program.
 *
 * @throws Error when no folder above this file has a package.json.
 */
export function packageFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error('barproof lacks its package.json');
  }
}
