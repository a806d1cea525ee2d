#!/usr/bin/env node
// Breaks a room in thousands of small ways, one at a time, and runs the room's unit tests and some properties on each of
// them: Stryker's mutants, here called code mutants. One that no test notices is a guard that the tests lack.
//   usage: npm run mutate -- ROOM...                     all files of these rooms, for example `address`
//          npm run mutate -- FILE...                     these files; FILE:FROM-TO for some of its lines
//          npm run mutate -- --changed [--base COMMIT]   only the lines that changed since COMMIT (default: main)
//          --quick                                       no code mutants of lines that run only while modules load
//          --concurrency N                               test runners at a time (default: the number of cores)
// Exits with 0 if at least 90 % of the code mutants are killed and each survivor is explained in
// properties/testing/surviving-mutants.json, with 1 if not, with 2 if Stryker could not run.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STRYKER = '.cache/stryker';
const EXPLAINED = 'properties/testing/surviving-mutants.json';
const ROOMS = ['address', 'memory', 'pci', 'host', 'vfio', 'invariants'];
/** The properties that are cheap enough to be run on code mutants, beside the unit tests of the room. */
const PROPERTIES = {
  memory: ['properties/mtree-round-trip.test.ts'],
  vfio: ['src/model', 'properties/regressions.test.ts'],
  invariants: ['src/model', 'properties/each-cause.test.ts', 'properties/regressions.test.ts'],
};
const LEAST_KILLED = 0.9;
/** A run of the tests that has an error of its own, such as a test file that does not load, is a RuntimeError. */
const KILLED = ['Killed', 'Timeout', 'RuntimeError'];

/** Ends the program with exit code 2: the code mutants could not be judged. */
function giveUp(text) {
  console.error(`mutate: ${text}`);
  process.exit(2);
}

/** The room of a file, or of some lines of a file. */
const roomOf = (path) => path.split('/')[1];

/** The files of the rooms that are mutated: no tests, no benchmarks, no helpers of tests. */
const filesOf = (rooms) => [
  ...rooms.map((room) => `src/${room}/**/*.ts`),
  ...['test', 'bench'].map((kind) => `!src/**/*.${kind}.ts`),
  '!src/**/testing/**',
];

/** The lines that differ from `base`, as `FILE:FIRST-LAST`. */
function changedLines(base) {
  const folders = ROOMS.map((room) => `src/${room}`);
  const diff = execFileSync(
    'git',
    ['diff', '--merge-base', '--unified=0', '--no-color', base, '--', ...folders],
    {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  );
  let file = '';
  return diff.split('\n').flatMap((line) => {
    if (line.startsWith('+++ ')) file = line.replace(/^\+\+\+ (b\/)?/, '');
    const [, first, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    const isMutated = file.endsWith('.ts') && !/\.(test|bench)\.ts$|\/testing\//.test(file);
    if (first === undefined || count === '0' || !isMutated) return [];
    return [`${file}:${first}-${Number(first) + Number(count) - 1}`];
  });
}

/** What Stryker found out about each code mutant. */
function runStryker(name, rooms, mutate, concurrency) {
  try {
    execFileSync(join(ROOT, '.ci/install-stryker'), { stdio: 'inherit' });
  } catch {
    giveUp('there is no Stryker');
  }
  const reports = `${STRYKER}/reports/${name}`;
  rmSync(join(ROOT, reports), { recursive: true, force: true });
  mkdirSync(join(ROOT, reports), { recursive: true });
  const options = {
    testRunner: 'loaded-tests',
    plugins: [join(ROOT, 'properties/testing/stryker-test-runner.ts')],
    // A thread does not give back the modules that static code mutants have loaded anew.
    maxTestRunnerReuse: 600,
    // Stryker would rewrite tsconfig.json with the compiler's old interface, which TypeScript 7 no longer has.
    tsconfigFile: 'none.json',
    coverageAnalysis: 'perTest',
    mutate,
    concurrency,
    // The test runner itself ends most endless loops, by their CPU time.
    timeoutMS: 10_000,
    ignorePatterns: ['.cache', 'dist', 'coverage'],
    tempDirName: `${STRYKER}/sandbox`,
    reporters: ['json', 'html', 'progress-append-only'],
    jsonReporter: { fileName: `${reports}/mutation.json` },
    htmlReporter: { fileName: `${reports}/mutation.html` },
    allowEmpty: true,
    ignoreStatic: values.quick,
  };
  const file = join(ROOT, reports, 'options.json');
  writeFileSync(file, JSON.stringify(options));
  const tests = rooms.flatMap((room) => [`src/${room}`, ...(PROPERTIES[room] ?? [])]);
  const program = `${STRYKER}/node_modules/@stryker-mutator/core/bin/stryker.js`;
  const { status } = spawnSync(process.execPath, [program, 'run', file], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, BARPROOF_MUTATION_TESTS: tests.join(',') },
  });
  if (status !== 0) giveUp('Stryker ended before it had judged the code mutants');
  console.log(`The source with all code mutants is ${reports}/mutation.html.`);
  return JSON.parse(readFileSync(join(ROOT, reports, 'mutation.json'), 'utf8')).files;
}

/** A survivor as the list of explained survivors names it: by the text of its line, which outlives a move. */
function describe(file, source, { mutatorName, replacement, location: { start, end } }) {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const original = [...lines];
  original[original.length - 1] = original.at(-1).slice(0, end.column - 1);
  original[0] = original[0].slice(start.column - 1);
  return {
    file,
    line: lines[0].trim(),
    mutator: mutatorName,
    original: original.join('\n').slice(0, 200),
    replacement,
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    changed: { type: 'boolean', default: false },
    base: { type: 'string', default: 'main' },
    quick: { type: 'boolean', default: false },
    concurrency: { type: 'string', default: String(availableParallelism()) },
  },
});
// The test runner counts the CPU time of a thread, and loads TypeScript as it is.
if (Number(process.versions.node.split('.')[0]) < 24)
  giveUp(`Node ${process.versions.node} is too old: use Node 24`);
const areFiles = positionals.length > 0 && positionals.every((path) => path.startsWith('src/'));
const named = areFiles ? positionals.map(roomOf) : positionals;
const unknown = named.filter((room) => !ROOMS.includes(room));
if (unknown.length > 0 || (positionals.length === 0) !== values.changed) {
  giveUp(`expected --changed, or rooms out of ${ROOMS.join(', ')}, or files of these`);
}
const mutate = values.changed ? changedLines(values.base) : areFiles ? positionals : filesOf(positionals);
if (mutate.length === 0) {
  console.log(`No line of ${ROOMS.join(', ')} differs from ${values.base}.`);
  process.exit(0);
}
const rooms = [...new Set(values.changed ? mutate.map(roomOf) : named)];
const report = values.changed ? 'changed' : areFiles ? 'files' : rooms.join('-');
const files = runStryker(report, rooms, mutate, Number(values.concurrency));

const explained = JSON.parse(readFileSync(join(ROOT, EXPLAINED), 'utf8'));
const isExplained = (survivor) =>
  explained.some((known) =>
    ['file', 'line', 'mutator', 'original', 'replacement'].every((key) => known[key] === survivor[key]),
  );
let killed = 0;
const survivors = [];
for (const [file, { source, mutants }] of Object.entries(files)) {
  for (const mutant of mutants) {
    if (KILLED.includes(mutant.status)) killed++;
    else if (mutant.status === 'Survived' || mutant.status === 'NoCoverage') {
      survivors.push({ ...describe(file, source, mutant), at: `${file}:${mutant.location.start.line}` });
    }
  }
}
const open = survivors.filter((survivor) => !isExplained(survivor));
for (const { at, ...survivor } of open) console.log(`${at}\n${JSON.stringify({ ...survivor, why: '' })},`);
const all = killed + survivors.length;
const share = all === 0 ? 1 : killed / all;
console.log(
  `${rooms.join(', ')}: ${killed} of ${all} code mutants killed (${(share * 100).toFixed(1)} %), ` +
    `${survivors.length - open.length} survivors explained, ${open.length} not explained`,
);
process.exitCode = share >= LEAST_KILLED && open.length === 0 ? 0 : 1;
