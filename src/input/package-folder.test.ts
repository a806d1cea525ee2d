import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageFolder } from './package-folder.ts';

it("packageFolder is the folder of barproof's own package.json, not of one in the folders above it", () => {
  const { name } = JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')) as {
    name: string;
  };
  expect(name).toBe('barproof');
});
