import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Files that make a folder look like a QEMU source to barproof. */
export const SMALL_SOURCE: Readonly<Record<string, string>> = {
  VERSION: '99.0.0\n',
  configure: '#!/bin/sh\n',
  'meson.build': '\n',
  'hw/vfio/pci.c': Array.from({ length: 30 }, (_, index) => `line ${index + 1}\n`).join(''),
  'subprojects/keycodemapdb.wrap': '\n',
};

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/** Runs git as a user without settings would. @returns what git prints. */
export const git = (folder: string, ...words: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b', ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' },
  }).trim();

/** Makes a git tree with one commit of these files. @returns the id of the commit. */
export function commitFiles(folder: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(folder, { recursive: true });
  git(folder, 'init', '--quiet');
  writeFiles(folder, files);
  git(folder, 'add', '--all', '--force');
  git(folder, 'commit', '--quiet', '--allow-empty', '--message', 'x');
  return git(folder, 'rev-parse', 'HEAD');
}

/** A patch that changes one line of the small source. */
export const lineChange = (line: number, text: string): string =>
  `--- a/hw/vfio/pci.c\n+++ b/hw/vfio/pci.c\n@@ -${line} +${line} @@ f\n-line ${line}\n+${text}\n`;
