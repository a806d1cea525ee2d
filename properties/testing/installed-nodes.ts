import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../../src/input/index.ts';

/** The Nodes that `.ci/install-node` has installed, as `[name, program]`: `BARPROOF_NODES`, else in the checkout. */
export function installedNodes(): readonly (readonly [name: string, program: string])[] {
  const folder = process.env['BARPROOF_NODES'] || join(packageFolder(), '.cache/node/bin');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^node-\d+$/.test(name))
    .toSorted()
    .map((name) => [name, join(folder, name)] as const);
}
