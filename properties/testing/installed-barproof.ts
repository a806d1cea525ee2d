import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY, builtBarproof } from './built-barproof.ts';

/** A folder with barproof as a package manager installs it. */
export interface InstalledBarproof {
  /** The folder: the package's files, and `node_modules` beside them. */
  readonly folder: string;
  /** The program's file, for node. */
  readonly main: string;
  remove(): void;
}

/** Installs barproof, as it stands in the repository, in a new temporary folder. */
export function installBarproof(): InstalledBarproof {
  const folder = mkdtempSync(join(tmpdir(), 'installed-barproof-'));
  cpSync(builtBarproof(), join(folder, 'dist'), { recursive: true });
  cpSync(join(REPOSITORY, 'package.json'), join(folder, 'package.json'));
  for (const shipped of [
    'regressions',
    'src/qemu/shim',
    'src/linux/agent',
    'src/reproduce/program',
    'src/readers/html',
    'src/readers/schemas',
  ]) {
    cpSync(join(REPOSITORY, shipped), join(folder, shipped), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    main: join(folder, 'dist/cli/main.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
