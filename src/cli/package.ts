import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../input/index.ts';

/** The folder of barproof's own package.json. */
export const PACKAGE_FOLDER = packageFolder();

/** Version of barproof. */
export const { version: VERSION } = JSON.parse(
  readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8'),
) as { version: string };
