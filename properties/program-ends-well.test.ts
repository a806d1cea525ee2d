import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { NIC } from '../src/explain/testing/texts.ts';
import { INVARIANT_IDS } from '../src/invariants/index.ts';
import { QemuTarget } from '../src/qemu/index.ts';
import { makeFakeQemu, type FakeMonitor } from '../src/qemu/process/testing/fake-monitor.ts';
import { programInFolder } from './testing/program-in-folder.ts';
import { whyNoQemu } from './testing/why-no-qemu.ts';

/** A fault of barproof itself ends the program with the right exit code and one line. */

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const reasonNot = await whyNoQemu(new QemuTarget());
const skipped = reasonNot === undefined ? '' : ` (skipped: ${reasonNot})`;

const program = programInFolder();
const fakes: FakeMonitor[] = [];

afterEach(() => {
  for (const fake of fakes.splice(0)) fake.remove();
});

it('the output of a shell keeps its place before the file that the user sends to the same place', () => {
  const [output, text] = [join(program.here, 'all.txt'), join(program.here, 'nic.txt')];
  writeFileSync(text, NIC);
  const line = 'exec "$0" "$1" explain "$2" --svg /dev/stdout > "$3"';
  execFileSync('/bin/sh', ['-c', line, process.execPath, program.main, text, output]);
  expect(readFileSync(output, 'utf8')).toMatch(/^05:00\.0 [^]*<svg [^]*<\/svg>\n$/);
});

function fakeQemu(behaviour: string): string {
  const fake = makeFakeQemu(behaviour);
  fakes.push(fake);
  return fake.binary;
}

/** One line that begins with a cross, and no stack. */
const ONE_LINE = /^✖ [^\n]*\n$/;

describe('an error that nothing expected', () => {
  it.each(['garbage', 'null', '42', '', '{"error":null}'])(
    'is one line and exit code 2 where QEMU answers QMP with %j',
    (line) => {
      const qemu = fakeQemu(`onCommand = () => qmp.write(${JSON.stringify(`${line}\n`)});`);
      const { code, err } = program.run(['check', '--target', 'qemu', '--qemu', qemu, '--runs', '1']);
      expect(err).toMatch(ONE_LINE);
      expect(err).toMatch(/QEMU sent a line that is no QMP message: .*QMP query-version/);
      expect(code).toBe(2);
    },
    90_000,
  );

  it.each([['throw new Error("late")'], ['Promise.reject(new Error("late"))']])(
    'is one line and exit code 2 where a program that loads barproof has: %s',
    (late) => {
      const preload = join(program.here, 'late.cjs');
      writeFileSync(
        preload,
        `const timer = setInterval(() => {
          if (process.cpuUsage().user < 1.5e6) return;
          clearInterval(timer);
          ${late};
        }, 20);`,
      );
      const env = { NODE_OPTIONS: `--require ${preload}` };
      const { code, out, err } = program.run(
        ['check', '--runs', '1000000', '--no-save', '--regressions', 'x'],
        {
          env,
        },
      );
      expect(err).toMatch(ONE_LINE);
      expect(err).toMatch(/internal error, please report this line and your command .*: Error: late/);
      expect(out).toMatch(/interrupted: \d+ of 1000000 cases were run/);
      expect(code).toBe(2);
    },
    90_000,
  );

  it('is one line and exit code 2 where the program has nothing left to do before its result', () => {
    const preload = join(program.here, 'idle.cjs');
    writeFileSync(preload, 'globalThis.setImmediate = () => undefined;');
    const { code, err } = program.run(['check', '--no-save'], {
      env: { NODE_OPTIONS: `--require ${preload}` },
    });
    expect(err).toMatch(/✖ internal error.*the program ended before the command had a result/);
    expect(code).toBe(2);
  }, 90_000);
});

describe('a program without file descriptors', () => {
  it.each([24, 28, 32, 40, 60, 80, 100, 120, 140, 160])(
    'ends with one line and exit code 2, or with a result, where the limit is %i',
    (limit) => {
      const qemu = fakeQemu('');
      const before = `ulimit -n ${limit}`;
      const { code, out, err } = program.run(['check', '--target', 'qemu', '--qemu', qemu, '--runs', '1'], {
        before,
      });
      expect(`${out}${err}`).not.toMatch(/^\s+at .+:\d+/m);
      expect(out).not.toContain('counterexample');
      // Node itself aborts where the limit is lower.
      expect(code).toBe(2);
    },
    90_000,
  );
});

describe('barproof ends in time', () => {
  it('where the folder of regressions holds a named pipe', () => {
    mkdirSync(join(program.here, 'regressions'));
    execFileSync('mkfifo', [join(program.here, 'regressions/a.json')]);
    const { code, err } = program.run(['check', '--runs', '10']);
    expect(err).toBe('✖ regressions/a.json: this is not a regular file\n');
    expect(code).toBe(2);
  }, 90_000);

  it('and takes a case from a pipe that the user names', () => {
    const seed = join(REPOSITORY, 'regressions/seed/cx4-64k.json');
    const line = `cat ${seed} | ${process.execPath} ${program.main} run /dev/stdin --revision qemu-2.12`;
    expect(execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' })).toContain('dev0');
  }, 90_000);
});

describe('a command whose standard output is full', () => {
  it.each([
    ['list', 'devices'],
    ['check', '--revision', 'seed-v2', '--runs', '20', '--no-save'],
  ])(
    'says so and ends with exit code 2: %s',
    (...words) => {
      const line = `exec "$0" "$@" > /dev/full`;
      const { status, stderr } = spawnSync(
        '/bin/sh',
        ['-c', line, process.execPath, program.main, ...words],
        {
          cwd: program.here,
          encoding: 'utf8',
        },
      );
      expect(stderr).toBe('✖ standard output cannot be written (ENOSPC)\n');
      expect(status).toBe(2);
    },
    90_000,
  );
});

describe('a check that cannot store its findings', () => {
  it('reports them, says for each why, and ends with exit code 1', () => {
    mkdirSync(join(program.here, 'store'));
    for (const id of INVARIANT_IDS) writeFileSync(join(program.here, 'store', id), '');
    const words = ['check', '--revision', 'seed-v2', '--runs', '20', '--regressions', 'store'];
    const { code, out, err } = program.run(words);
    const [, found] = /found (\d+) counterexamples/.exec(out)!;
    const reasons = err.trimEnd().split('\n');
    expect(reasons.length).toBeGreaterThanOrEqual(Number(found));
    for (const reason of reasons)
      expect(reason).toMatch(/^✖ store\/\S+\.json: the file cannot be written \(E[A-Z]+\)$/);
    expect(code).toBe(1);
  }, 90_000);
});

describe.skipIf(reasonNot !== undefined)(`a check of a real QEMU${skipped}`, () => {
  // A folder without stored cases: those that come with barproof are not replayed.
  const words = ['check', '--target', 'qemu', '--no-save', '--regressions', 'empty'];

  it.each([80, 107, 200])(
    'runs where TMPDIR has %i characters',
    (length) => {
      const folder = join(program.here, 'x'.repeat(100), 'y'.repeat(100)).slice(0, length);
      mkdirSync(folder, { recursive: true });
      const { code, out, err } = program.run([...words, '--runs', '4'], { env: { TMPDIR: folder } });
      expect(err).toBe('');
      expect(out).toContain('every invariant holds');
      expect(code).toBe(0);
    },
    90_000,
  );

  it.each([
    ['TMPDIR does not exist', { TMPDIR: '/nowhere/at/all' }],
    ['TMPDIR is not writable, also not for root', { TMPDIR: '/proc' }],
    ['HOME is a file and there is no XDG_CACHE_HOME', { HOME: '/etc/passwd', XDG_CACHE_HOME: undefined }],
    ['CC holds options', { CC: 'cc -O1' }],
  ])(
    'runs where %s',
    (_, env) => {
      const { code, out, err } = program.run([...words, '--runs', '4'], { env });
      expect(err).toBe('');
      expect(out).toContain('every invariant holds');
      expect(code).toBe(0);
    },
    90_000,
  );

  it('runs where the path of TMPDIR has a comma', () => {
    const folder = join(program.here, 'a,b');
    mkdirSync(folder);
    const { code, err } = program.run([...words, '--runs', '4'], { env: { TMPDIR: folder } });
    expect(err).toBe('');
    expect(code).toBe(0);
  }, 90_000);

  it.each([2_000, 6_000])(
    'that gets SIGTERM after %i ms ends within 10 s with what it has',
    async (after) => {
      const child = spawn(process.execPath, [program.main, ...words, '--runs', '100000', '--strict'], {
        cwd: program.here,
      });
      const [out, err] = [textOf(child.stdout), textOf(child.stderr)];
      await new Promise((resolve) => setTimeout(resolve, after));
      const begin = performance.now();
      child.kill('SIGTERM');
      const code = await new Promise((resolve) => child.once('exit', resolve));
      expect(performance.now() - begin).toBeLessThan(10_000);
      expect(await out).toMatch(/interrupted: \d+ of 100000 cases were run|found \d+ counterexample/);
      expect(await err).toBe('');
      expect([1, 2]).toContain(code);
    },
    90_000,
  );
});
