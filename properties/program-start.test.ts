import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';

let installed: InstalledBarproof;

beforeAll(() => {
  installed = installBarproof();
}, 60_000);

afterAll(() => installed.remove());

interface Loaded {
  /** The project's own files, as the bundler names each above its code. */
  readonly own: readonly string[];
  readonly packages: readonly string[];
}

/** What the installed program loads for a command line. */
function loadedBy(...words: readonly string[]): Loaded {
  const folder = mkdtempSync(join(tmpdir(), 'program-start-'));
  try {
    const { status, stderr } = spawnSync(process.execPath, [installed.main, ...words], {
      cwd: folder,
      // Node lists every script that it has run.
      env: { ...process.env, NODE_V8_COVERAGE: join(folder, 'scripts') },
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const files = scriptsIn(join(folder, 'scripts'));
    return {
      own: sorted(files.filter((file) => file.startsWith(installed.folder)).flatMap(modulesIn)),
      packages: sorted(
        files.flatMap((file) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []),
      ),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const sorted = (names: readonly string[]): string[] => [...new Set(names)].toSorted();

const scriptsIn = (folder: string): string[] =>
  readdirSync(folder)
    .flatMap((name) => {
      const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        readonly result: readonly { readonly url: string }[];
      };
      return result;
    })
    .filter(({ url }) => url.startsWith('file:'))
    .map(({ url }) => fileURLToPath(url));

const modulesIn = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^\/\/ ((?:src|generators)\/\S+)$/gm)].map(([, name]) => name!);

const ARCHITECTURES = 'src/qemu/process/architecture.ts';

/** What the declaration of the commands, and the report of an error, take from other rooms than src/cli. */
const FROM_OTHER_ROOMS = [
  'src/input/current-folder.ts',
  'src/input/nearest-to.ts',
  'src/input/package-folder.ts',
  'src/input/printable.ts',
  'src/input/problem.ts',
  // The names of QEMU's targets, which an option may have.
  ARCHITECTURES,
  'src/report/problems-text.ts',
  'src/report/wrap.ts',
  'src/trace/target-unavailable.ts',
];

const HELP_TEXTS = [
  ['--version'],
  ['--help'],
  ...[
    'cache',
    'check',
    'completion',
    'doctor',
    'explain',
    'fuzz',
    'host',
    'list',
    'merge',
    'mtree',
    'bisect-step',
    'new-patch',
    'prove',
    'replay',
    'reproduce',
    'run',
    'validate',
  ].map((command) => [command, '--help']),
];

describe('the start of the program', () => {
  it.each(HELP_TEXTS.map((words) => [words]))(
    'loads no action, no model and no native code for %j',
    (words) => {
      const { own, packages } = loadedBy(...words);
      expect(packages).toEqual(['commander']);
      expect(own.filter((file) => !file.startsWith('src/cli/'))).toEqual(FROM_OTHER_ROOMS);
      expect(own.filter((file) => file.endsWith('-action.ts'))).toEqual([]);
      expect(own).toContain('src/cli/check-command.ts');
    },
  );

  it('loads no compiler and no native code for a check of the model', () => {
    const { own, packages } = loadedBy('check', '--runs', '1', '--no-save');
    expect(packages).toEqual(['commander', 'fast-check', 'pure-rand', 'seedrandom']);
    expect(own).toContain('src/cli/check-action.ts');
    expect(own.filter((file) => /^src\/(qemu|linux|vfio-user|validate)\//.test(file))).toEqual([
      ARCHITECTURES,
    ]);
  });
});
