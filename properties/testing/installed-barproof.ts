import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** A folder with barproof as a package manager installs it. */
export interface InstalledBarproof {
  /** The folder: the package's files, and `node_modules` beside them. */
  readonly folder: string;
  /** The program's file, for node. */
  readonly main: string;
  remove(): void;
}

/** Builds barproof into a new temporary folder, as `npm run build` does. */
export function installBarproof(): InstalledBarproof {
  const folder = mkdtempSync(join(tmpdir(), 'installed-barproof-'));
  const build = (tool: string, ...words: readonly string[]): void =>
    void execFileSync(join(REPOSITORY, 'node_modules/.bin', tool), words, { cwd: REPOSITORY, stdio: 'pipe' });
  build('tsc', '-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist'));
  build('rolldown', '-c', '-d', join(folder, 'dist/cli'));
  cpSync(join(REPOSITORY, 'package.json'), join(folder, 'package.json'));
  for (const shipped of ['regressions', 'src/qemu/shim', 'src/linux/agent']) {
    cpSync(join(REPOSITORY, shipped), join(folder, shipped), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    main: join(folder, 'dist/cli/main.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
