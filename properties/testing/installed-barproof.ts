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

/** Builds barproof into a new temporary folder. */
export function installBarproof(): InstalledBarproof {
  const folder = mkdtempSync(join(tmpdir(), 'installed-barproof-'));
  const tsc = join(REPOSITORY, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')], { cwd: REPOSITORY });
  cpSync(join(REPOSITORY, 'package.json'), join(folder, 'package.json'));
  for (const shipped of ['regressions', 'src/qemu/shim', 'src/linux/agent']) {
    cpSync(join(REPOSITORY, shipped), join(folder, shipped), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    main: join(folder, 'dist/src/cli/main.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
