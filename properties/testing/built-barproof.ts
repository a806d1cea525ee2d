import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** Beside the packages, where tools keep what can be made again. */
const BUILDS = join(REPOSITORY, 'node_modules/.cache/barproof-builds');
const SETTINGS = [
  'package.json',
  'package-lock.json',
  'rolldown.config.ts',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** What `npm run build` would make now, in a folder that must not be changed. Files with the same text are built once. */
export function builtBarproof(): string {
  const built = join(BUILDS, hashOfSources());
  if (!existsSync(built)) build(built);
  return built;
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  const sources = ['src', 'generators'].flatMap((folder) =>
    readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => join(folder, file)),
  );
  for (const file of [...SETTINGS, ...sources.toSorted()])
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(REPOSITORY, file)))
      .update('\0');
  return hash.digest('hex').slice(0, 16);
}

function build(folder: string): void {
  mkdirSync(BUILDS, { recursive: true });
  const unfinished = mkdtempSync(join(BUILDS, 'unfinished-'));
  const run = (tool: string, ...words: readonly string[]): void =>
    void execFileSync(join(REPOSITORY, 'node_modules/.bin', tool), words, { cwd: REPOSITORY, stdio: 'pipe' });
  try {
    run('tsc', '-p', 'tsconfig.build.json', '--outDir', unfinished);
    run('rolldown', '-c', '-d', join(unfinished, 'cli'));
    removeOldBuilds();
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another worker may have built the same meanwhile; its build is as good.
    if (!existsSync(folder)) throw error;
  }
}

/** Another worker may still copy from a build that is not the newest, but not for an hour. */
function removeOldBuilds(): void {
  for (const name of readdirSync(BUILDS)) {
    const folder = join(BUILDS, name);
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 3_600_000) rmSync(folder, { recursive: true, force: true });
  }
}
