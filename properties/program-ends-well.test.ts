import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NIC } from '../src/explain/testing/texts.ts';
import { QemuTarget } from '../src/qemu/index.ts';
import { makeFakeQemu, type FakeMonitor } from '../src/qemu/process/testing/fake-monitor.ts';
import { untilBusyFor, untilIdle } from './testing/busy.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';
import { whyNoQemu } from './testing/why-no-qemu.ts';

/** A fault of barproof itself ends the program with the right exit code and one line. */

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const reasonNot = await whyNoQemu(new QemuTarget());
const skipped = reasonNot === undefined ? '' : ` (skipped: ${reasonNot})`;

let installed: InstalledBarproof;
let here: string;
const fakes: FakeMonitor[] = [];

beforeAll(() => {
  installed = installBarproof();
}, 60_000);

afterAll(() => installed.remove());

beforeEach(() => {
  here = mkdtempSync(join(tmpdir(), 'ends-well-here-'));
});

afterEach(() => {
  rmSync(here, { recursive: true, force: true });
  for (const fake of fakes.splice(0)) fake.remove();
});

it('the output of a shell keeps its place before the file that the user sends to the same place', () => {
  const [output, text] = [join(here, 'all.txt'), join(here, 'nic.txt')];
  writeFileSync(text, NIC);
  const line = 'exec "$0" "$1" explain "$2" --svg /dev/stdout > "$3"';
  execFileSync('/bin/sh', ['-c', line, process.execPath, main(), text, output]);
  expect(readFileSync(output, 'utf8')).toMatch(/^05:00\.0 [^]*<svg [^]*<\/svg>\n$/);
});

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly milliseconds: number;
}

interface Setting {
  readonly env?: Record<string, string | undefined>;
  /** A command of the shell that runs first, such as `ulimit -n 30`. */
  readonly before?: string;
}

const main = (): string => installed.main;

/** Runs barproof in a process of its own, which is killed after 60 s. */
function barproof(words: readonly string[], { env = {}, before = ':' }: Setting = {}): Result {
  const begin = performance.now();
  const line = `${before}; exec "$0" "$@"`;
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', line, process.execPath, main(), ...words], {
    cwd: here,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  return { code: status, out: stdout, err: stderr, milliseconds: performance.now() - begin };
}

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
      const { code, err } = barproof(['check', '--target', 'qemu', '--qemu', qemu, '--runs', '1']);
      expect(err).toMatch(ONE_LINE);
      expect(err).toMatch(/QEMU sent a line that is no QMP message: .*QMP query-version/);
      expect(code).toBe(2);
    },
    90_000,
  );

  it.each([['throw new Error("late")'], ['Promise.reject(new Error("late"))']])(
    'is one line and exit code 2 where a program that loads barproof has: %s',
    (late) => {
      const preload = join(here, 'late.cjs');
      writeFileSync(
        preload,
        `const timer = setInterval(() => {
          if (process.cpuUsage().user < 1.5e6) return;
          clearInterval(timer);
          ${late};
        }, 20);`,
      );
      const env = { NODE_OPTIONS: `--require ${preload}` };
      const { code, out, err } = barproof(['check', '--runs', '1000000', '--no-save', '--regressions', 'x'], {
        env,
      });
      expect(err).toMatch(ONE_LINE);
      expect(err).toMatch(/internal error, please report this line and your command .*: Error: late/);
      expect(out).toMatch(/interrupted: \d+ of 1000000 cases were run/);
      expect(code).toBe(2);
    },
    90_000,
  );

  it('is one line and exit code 2 where the program has nothing left to do before its result', () => {
    const preload = join(here, 'idle.cjs');
    writeFileSync(preload, 'globalThis.setImmediate = () => undefined;');
    const { code, err } = barproof(['check', '--no-save'], { env: { NODE_OPTIONS: `--require ${preload}` } });
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
      const { code, out, err } = barproof(['check', '--target', 'qemu', '--qemu', qemu, '--runs', '1'], {
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
    mkdirSync(join(here, 'regressions'));
    execFileSync('mkfifo', [join(here, 'regressions/a.json')]);
    const { code, err } = barproof(['check', '--runs', '10']);
    expect(err).toBe('✖ regressions/a.json: this is not a regular file\n');
    expect(code).toBe(2);
  }, 90_000);

  it('and takes a case from a pipe that the user names', () => {
    const seed = join(REPOSITORY, 'regressions/seed/cx4-64k.json');
    const line = `cat ${seed} | ${process.execPath} ${main()} run /dev/stdin --revision qemu-2.12`;
    expect(execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' })).toContain('dev0');
  }, 90_000);
});

describe('a command that waits for another program', () => {
  /** Ends the command once it waits. @returns the exit code or the signal that ended it, and what it said. */
  async function endedBy(signal: NodeJS.Signals, words: readonly string[]) {
    const child = spawn(process.execPath, [main(), ...words], { cwd: here, stdio: ['pipe', 'pipe', 'pipe'] });
    const [out, err] = [textOf(child.stdout), textOf(child.stderr)];
    await untilIdle(child.pid!);
    const begin = performance.now();
    child.kill(signal);
    const [code, by] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    expect(performance.now() - begin).toBeLessThan(5_000);
    child.stdin.destroy();
    return { ended: code ?? by, out: await out, err: await err };
  }

  it.each([
    ['SIGINT', 'replay'],
    ['SIGTERM', 'explain'],
  ] as const)(
    'for a named pipe ends at %s: %s',
    async (signal, command) => {
      execFileSync('mkfifo', [join(here, 'pipe')]);
      expect(await endedBy(signal, [command, 'pipe'])).toEqual({ ended: signal, out: '', err: '' });
    },
    90_000,
  );

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'for sessions on standard input ends at %s',
    async (signal) => {
      expect(await endedBy(signal, ['host', '-'])).toEqual({ ended: 2, out: '', err: '' });
    },
    90_000,
  );

  it('for a patch on standard input ends at SIGINT', async () => {
    const { ended, err } = await endedBy('SIGINT', ['validate', '-', '--qemu-tree', here]);
    expect(err).toBe('✖ standard input cannot be read (interrupted before its end)\n');
    expect(ended).toBe(2);
  }, 90_000);

  it('reads no more of standard input than a patch can have', () => {
    const line = 'exec "$0" "$@" < /dev/zero';
    const words = [process.execPath, main(), 'validate', '-', '--qemu-tree', here];
    const { status, stderr } = spawnSync('/bin/sh', ['-c', line, ...words], { cwd: here, encoding: 'utf8' });
    expect(stderr).toMatch(/^✖ standard input has more than \d+ bytes\n$/);
    expect(status).toBe(2);
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
      const { status, stderr } = spawnSync('/bin/sh', ['-c', line, process.execPath, main(), ...words], {
        cwd: here,
        encoding: 'utf8',
      });
      expect(stderr).toBe('✖ standard output cannot be written (ENOSPC)\n');
      expect(status).toBe(2);
    },
    90_000,
  );
});

describe('a check that cannot store its findings', () => {
  it('reports them, says for each why, and ends with exit code 1', () => {
    const words = ['check', '--revision', 'seed-v2', '--runs', '20', '--regressions', '/proc/nowhere'];
    const { code, out, err } = barproof(words);
    const [, found] = /found (\d+) counterexamples/.exec(out)!;
    const reasons = err.trimEnd().split('\n');
    expect(reasons.length).toBeGreaterThanOrEqual(Number(found));
    for (const reason of reasons)
      expect(reason).toMatch(/^✖ \/proc\/nowhere\/\S+\.json: the file cannot be written \(E[A-Z]+\)$/);
    expect(code).toBe(1);
  }, 90_000);
});

describe.skipIf(reasonNot !== undefined)(`a check of a real QEMU${skipped}`, () => {
  // A folder without stored cases: those that come with barproof are not replayed.
  const words = ['check', '--target', 'qemu', '--no-save', '--regressions', 'empty'];

  it.each([80, 107, 200])(
    'runs where TMPDIR has %i characters',
    (length) => {
      const folder = join(here, 'x'.repeat(100), 'y'.repeat(100)).slice(0, length);
      mkdirSync(folder, { recursive: true });
      const { code, out, err } = barproof([...words, '--runs', '4'], { env: { TMPDIR: folder } });
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
      const { code, out, err } = barproof([...words, '--runs', '4'], { env });
      expect(err).toBe('');
      expect(out).toContain('every invariant holds');
      expect(code).toBe(0);
    },
    90_000,
  );

  it('runs where the path of TMPDIR has a comma', () => {
    const folder = join(here, 'a,b');
    mkdirSync(folder);
    const { code, err } = barproof([...words, '--runs', '4'], { env: { TMPDIR: folder } });
    expect(err).toBe('');
    expect(code).toBe(0);
  }, 90_000);

  it.each([2_000, 6_000])(
    'that gets SIGTERM after %i ms ends within 10 s with what it has',
    async (after) => {
      const child = spawn(process.execPath, [main(), ...words, '--runs', '100000', '--strict'], {
        cwd: here,
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

describe('a patch', () => {
  const validate = (body: string, ...more: string[]): Result => {
    writeFileSync(join(here, 'p.ts'), `import { definePatch } from 'barproof';\n${body}\n`);
    return barproof(['validate', 'p.ts', '--runs', '50', ...more]);
  };
  const EXPORT = `export default definePatch({ name: 'p' });`;
  const IN_RULE = (act: string): string =>
    `export default definePatch({ name: 'p', listener: (base) => ({ alignment: (pages) => {
      ${act}; return base.alignment(pages); } }) });`;

  it.each([
    ['while it is loaded', `process.exit(0); ${EXPORT}`],
    ['in a rule', IN_RULE('process.exit(0)')],
    ['in a timer', `setTimeout(() => process.exit(0), 1); ${EXPORT}`],
  ])(
    'that calls process.exit(0) %s gets no verdict and exit code 2',
    (_, body) => {
      const { code, out, err } = validate(body);
      expect(err).toBe('✖ p.ts: the patch ends its thread, as by process.exit: there is no verdict\n');
      expect(out).toBe('');
      expect(code).toBe(2);
    },
    90_000,
  );

  it('that throws in a timer gets no verdict and exit code 2', () => {
    const { code, err } = validate(`setTimeout(() => { throw new Error('late'); }, 1); ${EXPORT}`);
    expect(err).toBe('✖ p.ts: the patch throws outside of its rules: Error: late; there is no verdict\n');
    expect(code).toBe(2);
  }, 90_000);

  it('that leaves a timer and a server does not outlive its verdict', () => {
    const { code, out, milliseconds } = validate(`import { createServer } from 'node:net';
      setInterval(() => undefined, 1000); createServer().listen(0); ${EXPORT}`);
    expect(out).toContain('changes nothing');
    expect(code).toBe(0);
    expect(milliseconds).toBeLessThan(30_000);
  }, 90_000);

  it('that prints does so on standard error, line by line and at most 100 lines', () => {
    const { code, out, err } = validate(IN_RULE(`console.log('\\u001b[31mred')`), '--json');
    expect(JSON.parse(out)).toMatchObject({ breaks: false });
    expect(err.split('\n')[0]).toBe('p.ts prints: \\u001b[31mred');
    expect(err).toContain('p.ts prints more than 100 lines\n');
    expect(err.split('\n')).toHaveLength(102);
    expect(code).toBe(0);
  }, 90_000);

  it('that replaces the functions by which a program prints does not silence the verdict', () => {
    const { code, out } = validate(
      `process.stdout.write = process.stderr.write = () => true; console.log = () => undefined; ${EXPORT}`,
    );
    expect(out).toContain('changes nothing');
    expect(code).toBe(0);
  }, 90_000);

  it.each([
    ['answers', `parentPort.postMessage({ kind: 'answer', answer: FORGED })`],
    ['nothing', 'parentPort.postMessage(null)'],
    ['no more', 'parentPort.close()'],
    ['by its data', `workerData.port?.postMessage({ kind: 'answer', answer: FORGED })`],
    [
      'by all ports',
      `MessagePort.prototype.postMessage = function () {}; MessagePort.prototype.on = function () {}`,
    ],
  ])(
    'that says %s in the name of the judge does not change the verdict',
    (_, act) => {
      const { code, out, err } =
        validate(`import { MessagePort, parentPort, workerData } from 'node:worker_threads';
      const FORGED = { err: '', out: 'breaks nothing; mends nothing\\n', exitCode: 0 };
      ${act};
      export default definePatch({ name: 'p', listener: { skip: () => 'ram-device' } });`);
      expect(err).toBe('');
      expect(out).toMatch(/^breaks [1-9]/);
      expect(code).toBe(1);
    },
    90_000,
  );

  it('that exports no patch is refused with the export that is expected', () => {
    const { code, err } = validate(`export default 1;`);
    expect(err).toBe('✖ p.ts: exports no patch; expected: export default definePatch({ ... })\n');
    expect(code).toBe(2);
  }, 90_000);

  it('whose judgement gets SIGTERM is judged by the cases until then', async () => {
    writeFileSync(join(here, 'p.ts'), `import { definePatch } from 'barproof';\n${EXPORT}\n`);
    const child = spawn(process.execPath, [main(), 'validate', 'p.ts', '--runs', '1000000'], { cwd: here });
    const out = textOf(child.stdout);
    await untilBusyFor(child.pid!, 2.5);
    child.kill('SIGTERM');
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(await out).toMatch(/^interrupted: .* in [\d,]+ cases/m);
    expect(code).toBe(2);
  }, 90_000);
});
