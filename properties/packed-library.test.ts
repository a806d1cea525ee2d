import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, blocksOf, readPage } from './pages/page.ts';

let project: string;
/** The folder of the package in the project of a user. */
let installed: string;

/** Packs barproof as `npm pack` does, and unpacks it into the project of a user. */
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'barproof-packed-'));
  const copy = join(project, 'source');
  mkdirSync(copy);
  const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  execFileSync('tar', ['-cf', '../source.tar', '-C', ROOT, '--no-recursion', '-T', '-'], {
    cwd: copy,
    input: tracked,
  });
  execFileSync('tar', ['-xf', '../source.tar'], { cwd: copy });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  // A finding of the developer who packs: it is no part of the package.
  const local = 'regressions/map-aligned/bar-fragment-unaligned-01234567.json';
  mkdirSync(dirname(join(copy, local)), { recursive: true });
  writeFileSync(
    join(copy, local),
    readFileSync(join(ROOT, 'regressions/revisions/seed-v2--map-aligned.json')),
  );
  execFileSync('npm', ['pack', '--silent'], { cwd: copy, stdio: 'pipe' });
  const archive = readdirSync(copy).find((file) => file.endsWith('.tgz'))!;
  installed = join(project, 'node_modules/barproof');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(copy, archive), '--strip-components=1'], { cwd: installed });
  rmSync(copy, { recursive: true });
  for (const name of ['fast-check', 'pure-rand', 'commander', 'seedrandom', 'sucrase', 'koffi'])
    symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
  for (const { file, text } of blocksOf(readPage('src/library/README.md')))
    if (file !== undefined) writeFileSync(join(project, file), text);
}, 240_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

const node = (...words: readonly string[]) =>
  spawnSync(process.execPath, words, { cwd: project, encoding: 'utf8' });
const barproof = (...words: readonly string[]) => node(join(installed, 'dist/cli/main.js'), ...words);

describe('the packed package', () => {
  it('runs the documented test, from its exports alone', () => {
    const { status, stdout, stderr } = node('--test', 'bar-move.test.mjs');
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/pass 3/);
  });

  it('judges the documented invariant of a plugin', () => {
    const { status, stdout, stderr } = barproof(
      ...['check', '--plugin', 'small-maps.mjs', '--invariant', 'small-maps', '--runs', '200'],
    );
    expect(status, stdout + stderr).toBe(1);
    expect(stdout).toContain('small-maps / more-than-1-gib');
    const [file] = readdirSync(join(project, 'regressions/small-maps'));
    const again = barproof('replay', `regressions/small-maps/${file}`, '--plugin', 'small-maps.mjs');
    expect(again.status, again.stdout + again.stderr).toBe(1);
    expect(again.stdout).toContain('breaks small-maps/more-than-1-gib');
  });

  it.each(['1', '2'])('judges the invariant of a plugin in a campaign on %s threads', (jobs) => {
    const plugin = ['--plugin', 'small-maps.mjs', '--invariant', 'small-maps'];
    const { status, stdout, stderr } = barproof(
      ...['fuzz', ...plugin, '--runs', '200', '--jobs', jobs, '--corpus', `corpus-${jobs}`],
    );
    expect(status, stdout + stderr).toBe(1);
    const [, again] = /again .*? (replay .*--plugin .*)/.exec(stdout)!;
    expect(barproof(...again!.split(' ')).status).toBe(1);
    expect(barproof('prove', ...plugin, '--shard', '1/5000').status).toBe(0);
  });

  it('has the types of what it exports', () => {
    const source = `import { expectHolds, readScenario, type Scenario } from 'barproof';
const scenario: Scenario = readScenario('{}');
expectHolds(scenario);
// @ts-expect-error -- the text of a scenario is one argument
readScenario('{}', 1);
`;
    writeFileSync(join(project, 'types.mts'), source);
    const options = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--noEmit', '--types', ''];
    const { status, stdout } = spawnSync(
      join(ROOT, 'node_modules/.bin/tsc'),
      [...options, '--ignoreConfig', 'types.mts'],
      {
        cwd: project,
        encoding: 'utf8',
      },
    );
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it('replays the cases that it brings along, by their names', () => {
    const { status, stdout } = barproof('replay', 'regressions/seed/cx4-64k.json');
    expect(stdout).toMatch(/breaks map-aligned/);
    expect(status).toBe(1);
  });

  it('brings along no finding of the developer', () => {
    const folders = readdirSync(join(installed, 'regressions'));
    expect(folders).toContain('known');
    expect(folders).not.toContain('map-aligned');
  });

  it('ships the C files, the schemas, the page and its license', () => {
    const inC = ['src/qemu/shim', 'src/linux/agent', 'src/qemu-tree/probe'].flatMap((folder) =>
      readdirSync(join(ROOT, folder))
        .filter((name) => /\.[ch]$/.test(name))
        .map((name) => `${folder}/${name}`),
    );
    expect(inC.length).toBeGreaterThan(10);
    for (const file of [
      ...inC,
      'src/readers/schemas/scenario.schema.json',
      'src/readers/html/colours.css',
      'src/readers/html/page.js',
      'LICENSE',
      'CHANGELOG.md',
    ])
      expect(readFileSync(join(installed, file), 'utf8').length).toBeGreaterThan(100);
  });
});
