import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder, requireWritableFolder } from './make-folder.ts';
import { packageFolder } from './package-folder.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'barproof-make-'));
});
afterEach(() => rmSync(root, { recursive: true }));

it('names the folders that it makes, the outermost first', () => {
  const inner = join(root, 'a', 'b');
  expect(makeFolder(inner)).toEqual([join(root, 'a'), inner]);
  expect(makeFolder(inner)).toEqual([]);
});

it('tries a folder and leaves nothing behind, also beside what a killed trial has left', () => {
  requireWritableFolder(join(root, 'a', 'b'));
  expect(readdirSync(root)).toEqual([]);
  writeFileSync(join(root, `.${process.pid}.tmp`), '');
  requireWritableFolder(root);
  expect(readdirSync(root)).toEqual([`.${process.pid}.tmp`]);
});

it.each([
  ['file', /this is no folder, or below a file; expected a folder$/],
  ['file/below', /this is no folder, or below a file; expected a folder$/],
])('refuses %s', (name, message) => {
  writeFileSync(join(root, 'file'), '');
  expect(() => requireWritableFolder(join(root, name))).toThrow(message);
});

it('refuses a folder that takes no entry', () => {
  expect(() => requireWritableFolder('/proc/none/below')).toThrow(
    /no file can be written into this folder \(ENOENT\)$/,
  );
});

/** Processes that do the same at the same time. @returns their exit codes, and what they say of errors. */
async function inProcesses(work: string): Promise<readonly unknown[]> {
  const module = pathToFileURL(join(packageFolder(), 'src', 'input', 'make-folder.ts')).href;
  const program = `import { makeFolder, requireWritableFolder } from ${JSON.stringify(module)};
    const root = ${JSON.stringify(root)};
    while (Date.now() < ${Date.now() + 700});
    ${work}`;
  return Promise.all(
    Array.from({ length: 3 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
      let errors = '';
      child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
      const [code] = (await once(child, 'close')) as [number];
      return code === 0 ? 0 : errors;
    }),
  );
}

/** Only a Node that runs TypeScript can run barproof's source in another process. */
const processes = it.skipIf(!('typescript' in process.features && process.features.typescript));

processes(
  'makes a folder that other processes make at the same time',
  async () => {
    const work = 'for (let index = 0; index < 2000; index++) makeFolder(`${root}/${index}/below`);';
    expect(await inProcesses(work)).toEqual([0, 0, 0]);
    expect(existsSync(join(root, '1999', 'below'))).toBe(true);
  },
  30_000,
);

processes(
  'tries a folder that other processes try at the same time',
  async () => {
    const work = 'for (let index = 0; index < 2000; index++) requireWritableFolder(`${root}/a/b`);';
    expect(await inProcesses(work)).toEqual([0, 0, 0]);
  },
  30_000,
);
