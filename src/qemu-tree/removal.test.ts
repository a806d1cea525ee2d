import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageFolder } from '../input/index.ts';
import { FileLock } from './file-lock.ts';
import { finishRemovals, removeWhole } from './removal.ts';
import { TreeCache } from './tree-cache.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'barproof-removal-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const left = (): string[] => readdirSync(root).filter((name) => name !== 'locks');

it('removes a folder, and what a killed removal has left', () => {
  mkdirSync(join(root, 'one', 'two'), { recursive: true });
  removeWhole(root, join(root, 'one'));
  expect(left()).toEqual([]);
  mkdirSync(join(root, 'removed-abcdef', 'two'), { recursive: true });
  finishRemovals(root);
  expect(left()).toEqual([]);
});

it('leaves to a removal that goes on what that removal removes', () => {
  mkdirSync(join(root, 'locks'));
  mkdirSync(join(root, 'removed-abcdef'));
  const other = FileLock.tryTake(join(root, 'locks', 'removed'), 'shared')!;
  finishRemovals(root);
  expect(left()).toEqual(['removed-abcdef']);
  mkdirSync(join(root, 'one'));
  removeWhole(root, join(root, 'one'));
  expect(left()).toEqual(['removed-abcdef']);
  other.release();
  finishRemovals(root);
  expect(left()).toEqual([]);
});

it.skipIf(!('typescript' in process.features && process.features.typescript))(
  'lets several processes remove at the same time',
  async () => {
    const module = pathToFileURL(join(packageFolder(), 'src', 'qemu-tree', 'removal.ts')).href;
    const begin = Date.now() + 700;
    const codes = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const program = `import { mkdirSync, writeFileSync } from 'node:fs';
        import { finishRemovals, removeWhole } from ${JSON.stringify(module)};
        const folder = ${JSON.stringify(join(root, name))};
        while (Date.now() < ${begin});
        for (let round = 0; round < 200; round++) {
          mkdirSync(folder);
          for (let file = 0; file < 5; file++) writeFileSync(folder + '/' + file, '');
          removeWhole(${JSON.stringify(root)}, folder);
          if (round % 10 === 0) finishRemovals(${JSON.stringify(root)});
        }`;
        const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        let errors = '';
        child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
        const [code] = (await once(child, 'close')) as [number];
        return code === 0 ? 0 : errors;
      }),
    );
    expect(codes).toEqual([0, 0, 0]);
    expect(left()).toEqual([]);
  },
  60_000,
);

it('keeps no lock on a base that cannot be removed', () => {
  const cache = new TreeCache(root, 0);
  const entry = cache.entry('base');
  entry.touch();
  rmSync(join(root, 'locks', 'removed'), { force: true });
  // No lock can be taken on a folder.
  mkdirSync(join(root, 'locks', 'removed'));
  expect(() => cache.shrink('another')).toThrow(/EISDIR/);
  const lock = entry.keep('exclusive');
  expect(lock).toBeDefined();
  lock!.release();
  expect(existsSync(entry.folder)).toBe(true);
});
