import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { COMMON_INVARIANTS } from '../src/invariants/index.ts';
import { REVISIONS } from '../src/vfio/index.ts';
import { SEED_DUMPS, withoutNumbers } from './fixtures/seed-dumps.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

let installed: InstalledBarproof;
let main: string;
/** The current folder of a test. */
let here: string;

beforeAll(() => {
  installed = installBarproof();
  ({ main } = installed);
}, 60_000);

afterAll(() => installed.remove());

beforeEach(() => {
  here = mkdtempSync(join(tmpdir(), 'barproof-here-'));
});

afterEach(() => {
  rmSync(here, { recursive: true, force: true });
});

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Setting {
  readonly input?: string | Buffer;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Runs barproof in a process of its own. */
function barproof(words: readonly string[], { input = '', env = {}, cwd = here }: Setting = {}): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
    cwd,
    input,
    // Tests may run under npx, which barproof would print.
    env: { ...process.env, npm_command: '', ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { code: status, out: stdout, err: stderr };
}

/** Runs a line of shell in which `barproof` is the command. */
function shell(line: string, env: Record<string, string> = {}): Result {
  const script = `barproof() { "${process.execPath}" "${main}" "$@"; }\n${line}`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
    cwd: here,
    // Tests may run under npx, which barproof would print.
    env: { ...process.env, npm_command: '', ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { code: status, out: stdout, err: stderr };
}

/** A result without the folder in which the program ran: commands to type again have full paths. */
const withoutFolder = (result: Result, folder: string): Result => ({
  ...result,
  out: result.out.replaceAll(`${folder}/`, ''),
});

const SEED = (name: string): string => join(REPOSITORY, 'regressions/seed', `${name}.json`);

/** The text of every file in a folder, by path. */
const snapshot = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted()
      .map((path) => [path.slice(folder.length), readFileSync(path, 'utf8')]),
  );

const SCENARIO = {
  version: 1,
  machine: { type: 'generic', ram: '0x10000000' },
  host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
  devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
};

const put = (name: string, contents: string | Buffer): string => {
  writeFileSync(join(here, name), contents);
  return name;
};

const A_STACK = /^\s+at .+:\d+/m;

/** A folder that is named: the cases that come with barproof are not replayed beside those in it. */
const OWN_FOLDER = ['--regressions', './regressions'];
const CHECK_SEED_V2 = ['check', '--revision', 'seed-v2', '--runs', '20', ...OWN_FOLDER];

describe('check', () => {
  /** The result of a first check of seed-v2. */
  let first: Result;
  /** The folder in which the first check ran. */
  let found: string;

  beforeAll(() => {
    found = mkdtempSync(join(tmpdir(), 'barproof-found-'));
    first = withoutFolder(barproof(CHECK_SEED_V2, { cwd: found }), found);
  });

  afterAll(() => {
    rmSync(found, { recursive: true, force: true });
  });

  /** Copies what the first check stored into the current folder. */
  const afterFirst = (): void => cpSync(found, here, { recursive: true });

  it('finds nothing new on the newest revision, lists its known findings, and writes no file', () => {
    const { code, out, err } = barproof(['check', '--runs', '100']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      new RegExp(
        String.raw`^barproof \d+\.\d+\.\d+: qemu-11.1 on model, ${COMMON_INVARIANTS.length} invariants, 100 cases, seed barproof\n`,
      ),
    );
    expect(out).toMatch(/\nknown: map-aligned\/ram-range-unaligned\n {2}RAM is trimmed to the host's page /);
    expect(out).toMatch(/\nno new counterexample\n$/);
    expect(readdirSync(here)).toEqual([]);
  });

  it('exits with 1 on seed-v2, prints a failure block for each finding, and stores its case', () => {
    const { code, out, err } = first;
    expect({ code, err }).toEqual({ code: 1, err: '' });
    const blocks = out.split(/^(?=\d+ {2})/m).slice(1);
    expect(blocks.length).toBeGreaterThan(3);
    for (const [index, block] of blocks.entries()) {
      // A block without device memory has no memory map.
      expect(block).toMatch(
        /^\d+ {2}(warning )?[a-z-]+ \/ \S+ {3}\(\d+ cases?, first in case \d+; shrunk in \d+ steps?\)\n\n {3}\S[^]*\n\n {3}machine {2}[^]*\n {3}host {5}[^]*\n\n {3}expected {2}[^]+\n {3}observed {2}[^]+\n {3}in QEMU {3}[^]+\n {3}again {5}node \S+\/main\.js replay regressions\/\S+\.json\n/,
      );
      expect(block.startsWith(`${index + 1}  `)).toBe(true);
    }
    expect(out).toMatch(/\n {3}address +size +what +CPU +DMA\n( {3}0x[^\n]+\n)* {3}0x[^\n]+ {3}<--\n/);
    expect(out).toMatch(
      /\nfound \d+ counterexamples(, \d+ warnings?)?\nthe folder \S+ holds these \d+ cases\n$/,
    );
    const saved = Object.keys(snapshot(join(found, 'regressions')));
    expect(saved).toHaveLength(blocks.length);
    for (const file of saved) expect(out).toContain(`replay regressions${file}\n`);
  });

  it('prints replay commands that show the same findings again', () => {
    afterFirst();
    const { out } = first;
    const headings = [...out.matchAll(/^\d+ {2}(\S.*?) {3}\(/gm)].map(([, heading]) => heading!);
    const commands = [...out.matchAll(/^ {3}again {5}(.+)$/gm)].map(([, command]) => command!);
    expect(commands).toHaveLength(headings.length);
    const files = commands.map((command) => /^node \S+ replay (\S+)$/.exec(command)![1]!);
    const { code, out: replayed } = barproof(['replay', ...files]);
    expect(code).toBe(1);
    const parts = replayed.split(/^(?=x )/m);
    expect(parts).toHaveLength(headings.length);
    for (const part of parts)
      expect(part).toMatch(/^x regressions\/\S+: breaks .* on seed-v2, as recorded\n/);
    for (const [index, heading] of headings.entries()) expect(parts[index]).toContain(`  ${heading}\n`);
  });

  it('prints the same in another process, and in a folder that holds the stored cases', () => {
    const files = snapshot(found);
    const odd = { TZ: 'Asia/Tokyo', LC_ALL: 'C', FORCE_COLOR: '3', NO_COLOR: '1' };
    expect(withoutFolder(barproof(CHECK_SEED_V2, { env: odd }), here)).toEqual(first);
    expect(first.out).not.toContain('\u001B');
    const withoutDates = (texts: Record<string, string>): string[] =>
      Object.entries(texts).map(([file, text]) => file + text.replace(/"date": "[^"]*"/, ''));
    expect(withoutDates(snapshot(here))).toEqual(withoutDates(files));
    const before = snapshot(here);
    expect(withoutFolder(barproof(CHECK_SEED_V2), here)).toEqual(first);
    expect(snapshot(here)).toEqual(before);
  });

  it('exits with 2 over a damaged regression file, and does not change the file', () => {
    mkdirSync(join(here, 'regressions'));
    put('regressions/half.json', '{ "schema": 1, "inv');
    const before = snapshot(here);
    const { code, out, err } = barproof(CHECK_SEED_V2);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^✖ regressions\/half\.json: this is not JSON: /);
    expect(snapshot(here)).toEqual(before);
  });

  it('ignores the temporary file of an interrupted save', () => {
    afterFirst();
    const [file] = Object.keys(snapshot(join(here, 'regressions')));
    const text = readFileSync(join(here, 'regressions', file!), 'utf8');
    put(`regressions${file}.1.tmp`, text.slice(0, text.length / 2));
    rmSync(join(here, 'regressions', file!));
    expect(withoutFolder(barproof(CHECK_SEED_V2), here)).toEqual(first);
    expect(readFileSync(join(here, 'regressions', file!), 'utf8')).toBe(text);
  });

  it('prints a replay command with --revision for a case stored on another revision', () => {
    mkdirSync(join(here, 'regressions'));
    cpSync(SEED('guest-4k-on-64k-host'), join(here, 'regressions/a.json'));
    const words = ['--runs', '1', '--invariant', 'guest-page-reachable'];
    const { out } = barproof(['check', '--revision', 'qemu-6.0', ...words]);
    expect(out).toContain('   (a case stored for qemu-11.1)');
    const heading = /^1 {2}(\S.*?) {3}\(/m.exec(out)![1]!;
    const command = /^ {3}again {5}(.+)$/m.exec(out)![1]!;
    expect(command).toBe(`node ${main} replay ${join(here, 'regressions/a.json')} --revision qemu-6.0`);
    // It works from another folder, too.
    expect(shell(`cd / && ${command}`).out).toContain(`  ${heading}\n`);
  });
});

describe('an interrupted check', () => {
  const files = (): string[] =>
    readdirSync(here, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(here, join(entry.parentPath, entry.name)))
      .toSorted();

  /** Starts a check of a million cases; `act` ends it after the first finding is stored. */
  const ended = async (act: (child: ChildProcess) => void) => {
    const child = spawn(
      process.execPath,
      [main, 'check', '--revision', 'seed-v2', '--runs', '1000000', ...OWN_FOLDER],
      {
        cwd: here,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, npm_command: '' },
      },
    );
    const [out, err] = [child.stdout, child.stderr].map((stream) => textOf(stream));
    const end = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    while (!files().some((file) => file.endsWith('.json'))) await delay(20);
    const since = Date.now();
    act(child);
    const [code, signal] = await end;
    return { code, signal, out: await out!, err: await err!, waited: Date.now() - since };
  };

  /** The stored cases, after a replay in which each shows what its file records. */
  const kept = (): string[] => {
    const cases = files().filter((file) => file.endsWith('.json'));
    const { out, err } = barproof(['replay', ...cases]);
    expect(err).toBe('');
    expect(out.match(/^x .* on seed-v2, as recorded$/gm)).toHaveLength(cases.length);
    return cases;
  };

  it('ends soon after SIGINT, reports and stores its findings, and exits with 1', async () => {
    const { code, out, err, waited } = await ended((child) => child.kill('SIGINT'));
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(waited).toBeLessThan(15_000);
    expect(out).toMatch(/\ninterrupted: [1-9]\d* of 1000000 cases were run\nfound /);
    const again = [...out.matchAll(/^ {3}again {5}node \S+ replay (.+)$/gm)].map(([, file]) =>
      relative(here, file!),
    );
    expect(again.toSorted()).toEqual(files());
    expect(kept()).toEqual(files());
  });

  it('has stored its findings even after SIGKILL', async () => {
    const { signal } = await ended((child) => child.kill('SIGKILL'));
    expect(signal).toBe('SIGKILL');
    expect(kept()).not.toEqual([]);
  });
});

describe('standard output and standard error', () => {
  it('keep data and error messages apart', () => {
    const { code, out, err } = shell(
      `barproof run --json "${SEED('cx4-64k')}" nothing.json "${SEED('cx4-64k')}"`,
    );
    expect(code).toBe(2);
    for (const line of out.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
    expect(err).toBe('✖ nothing.json: there is no such file\n');
  });

  const pty = existsSync('/usr/bin/script');

  /** Runs a line of shell on a terminal of 100 columns. Returns the terminal's text, with `^[` for escapes. */
  const onTerminal = (line: string, env: Record<string, string> = {}): string => {
    put('line.sh', `stty cols 100\nbarproof() { "${process.execPath}" "${main}" "$@"; }\n${line}\n`);
    return shell('script -qec "bash line.sh" /dev/null < /dev/null', env).out.replaceAll('\u001B', '^[');
  };

  it.runIf(pty)('show progress in one line of a terminal, without colour with NO_COLOR', () => {
    const seen = onTerminal('barproof check --runs 300 --invariant flat-minimal --no-save; barproof --help', {
      NO_COLOR: '1',
    });
    expect(seen).toContain('\r^[[2Kreplaying the stored cases\r^[[2K250 of 300 cases, ');
    expect(seen).toMatch(/\^\[\[2K\r\ncases: 300 .*\r\nevery invariant holds\r\n/);
    expect(seen).not.toMatch(/\^\[\[[\d;]*m/);
  });

  it.runIf(pty)('show progress on the terminal while the report goes to a file', () => {
    const seen = onTerminal('barproof check --runs 1 --no-save > report.txt');
    expect(seen).toMatch(/replaying the stored cases\r\^\[\[2K/);
    const report = readFileSync(join(here, 'report.txt'), 'utf8');
    expect(report).toMatch(
      new RegExp(
        String.raw`^barproof \d\S+ qemu-11.1 on model, ${COMMON_INVARIANTS.length} invariants, 1 case, seed barproof\n[^]*\n(every invariant holds|no new counterexample)\n$`,
      ),
    );
  });

  it.runIf(pty)('show no progress when standard error is a file', () => {
    expect(onTerminal('NO_COLOR=1 barproof check --runs 1 --no-save 2> errors.txt')).not.toContain('^[');
    expect(readFileSync(join(here, 'errors.txt'), 'utf8')).toBe('');
  });

  it.each([
    'check --revision seed-v2 --runs 20 --no-save',
    `replay "${SEED('cx4-64k')}" "${SEED('skip-as-posted')}"`,
  ])('may be closed after the first line: %s | head -1', (words) => {
    const { out } = shell(`barproof ${words} 2> errors.txt | head -1`);
    expect(out.split('\n')).toHaveLength(2);
  });

  // The last command has something to tell: its exit code is not lost.
  it.each([
    ['list revisions', 0],
    [`run --json ${`"${SEED('cx4-64k')}" `.repeat(20)}`, 1],
    ['run nothing.json 2>&1', 2],
  ])('may be closed before the first line, and the exit code stays: %s', (words, code) => {
    const { out } = shell(
      `{ sleep 0.1; { barproof ${words}; echo $? > code; } 2> errors.txt; } | true; cat code`,
    );
    expect(readFileSync(join(here, 'errors.txt'), 'utf8')).toBe('');
    expect(out).toBe(`${code}\n`);
  });
});

describe('invalid input', () => {
  const large = (name: string, size: number): string => {
    closeSync(openSync(join(here, name), 'w'));
    truncateSync(join(here, name), size);
    return name;
  };

  // Files that can be tested without a process of their own are in hostile-files.test.ts.
  const inputs: readonly (readonly [string, (name: string) => string, RegExp])[] = [
    ['no file', (name) => name, /there is no such file/],
    ['a directory', () => '.', /this is a directory, not a file/],
    ['nothing in it', (name) => put(name, ''), /this is not JSON/],
    [
      'every byte',
      (name) => put(name, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))),
      /this is not JSON/,
    ],
    ['arrays 100,000 deep', (name) => put(name, '['.repeat(100_000) + ']'.repeat(100_000)), /found an array/],
    [
      'objects 100,000 deep',
      (name) => put(name, `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
      /a: unknown key/,
    ],
    ['100 MB', (name) => large(name, 100_000_000), /the file has more than \d+ bytes/],
  ];

  it('is reported for each file, and no file is written', () => {
    const files = inputs.map(([name, make]) => make(name));
    const before = readdirSync(here);
    const { code, out, err } = barproof(['run', '--json', ...files]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).not.toMatch(A_STACK);
    expect(readdirSync(here)).toEqual(before);
    for (const [index, [, , message]] of inputs.entries()) {
      const own = err.split('\n').filter((line) => line.startsWith(`✖ ${files[index]}: `));
      expect(own.join('\n')).toMatch(message);
    }
    for (const line of err.trimEnd().split('\n')) expect(files).toContain(line.split(/^✖ |: /)[1]);
  });

  it.runIf(process.getuid?.() !== 0)('is reported for a file without read permission', () => {
    const file = put('secret', '{}');
    execFileSync('chmod', ['000', join(here, file)]);
    expect(barproof(['run', file]).err).toBe(`✖ ${file}: the file may not be read\n`);
  });

  it('is reported with all problems at once, each with its path', () => {
    const wrong = {
      version: 2,
      machine: { type: 'genric', ram: '0x10000000000000000', hostPagesize: '0x1000' },
      host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1001', 4096.5] } },
      devices: [
        { id: '', bars: [{ index: 6, size: 18446744073709551616, type: 'mem32', mmap: 1 }] },
        {
          id: 'dev1',
          bars: {},
          msix: { vectors: 0, tableBar: 0, tableOffset: '0x4', pbaBar: 0, pbaOffset: -8 },
        },
      ],
      operations: [
        { op: 'set-bar', device: 'dev0', bar: 0, address: `0x1${'0'.repeat(16)}` },
        { op: 'jump' },
      ],
      comment: 'hello',
    };
    const { code, err } = barproof(['run', put('a', JSON.stringify(wrong))]);
    expect(code).toBe(2);
    const paths = err
      .trimEnd()
      .split('\n')
      .map((line) => line.split(': ')[1]);
    expect(paths.toSorted()).toEqual(
      [
        'comment',
        'version',
        'machine.hostPagesize',
        'machine.type',
        'machine.ram',
        'host.iommu.pageSizes[0]',
        'host.iommu.pageSizes[1]',
        'devices[0].id',
        'devices[0].bars[0].index',
        'devices[0].bars[0].size',
        'devices[0].bars[0].mmap',
        'devices[1].bars',
        'devices[1].msix.vectors',
        'devices[1].msix.tableOffset',
        'devices[1].msix.pbaOffset',
        'operations[0].address',
        'operations[1].op',
      ].toSorted(),
    );
    expect(err).toContain(
      'machine.type: expected one of pc, q35, virt, pseries, generic, found "genric"; did you mean generic?',
    );
    expect(err).toContain('machine.hostPagesize: unknown key; did you mean hostPageSize?');
  });

  it('from an endless device is refused within 2.5 GB of memory', () => {
    const { code } = shell('ulimit -v 2500000; barproof run /dev/zero');
    expect(code).toBe(2);
  });

  it('is reported for a standard input that cannot be read', () => {
    expect(shell('barproof run --json - < /')).toEqual({
      code: 2,
      out: '',
      err: '✖ standard input cannot be read (EISDIR)\n',
    });
  });

  it('is printed with its control characters escaped', () => {
    const files = [put('a', '\u001B[2Jno JSON'), put('b', JSON.stringify({ '\u001B[2J': 1 }))];
    const { err } = barproof(['run', ...files]);
    expect(err).not.toContain('\u001B');
    expect(err.match(/\\u001b\[2J/g)!.length).toBeGreaterThanOrEqual(2);
  });

  it('exits with 2, not 1, for an unknown option of list', () => {
    expect(barproof(['list', 'invariants', '--foo']).code).toBe(2);
  });
});

describe('run -', () => {
  const lineOf = (ram: number): string =>
    JSON.stringify({ ...SCENARIO, machine: { type: 'generic', ram: `0x${(ram * 0x1_0000).toString(16)}` } });

  it('answers each of 1000 lines in order, valid and invalid ones', () => {
    const lines = Array.from({ length: 1000 }, (_, index) =>
      index % 10 === 7 ? ['{', '[]', '"x"', '{"version":1}'][(index - 7) % 4]! : lineOf(index + 1),
    );
    const { code, out, err } = barproof(['run', '--json', '-'], { input: `${lines.join('\n')}\n` });
    expect(code).toBe(2);
    const answers = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, never>);
    expect(answers).toHaveLength(lines.length);
    for (const [index, answer] of answers.entries()) {
      if (index % 10 === 7) expect(Object.keys(answer)).toEqual(['problems']);
      else expect(answer['flatView']![0]!['end']).toBe(`0x${((index + 1) * 0x1_0000 - 1).toString(16)}`);
    }
    const reported = new Set([...err.matchAll(/^✖ line (\d+): /gm)].map(([, number]) => Number(number)));
    expect([...reported]).toEqual(lines.flatMap((_, index) => (index % 10 === 7 ? [index + 1] : [])));
    expect(err).not.toMatch(A_STACK);
  });

  it('prints the same for a line as for a file', () => {
    const stored = readFileSync(SEED('cx4-64k'), 'utf8');
    const input = JSON.stringify(JSON.parse(stored));
    expect(barproof(['run', '--json', '-'], { input })).toEqual(barproof(['run', '--json', SEED('cx4-64k')]));
  });

  it('runs the next line after a line that is too long', () => {
    const input = `[${'0,'.repeat(5_000_000)}0]\n${lineOf(16)}\n`;
    const { code, out, err } = barproof(['run', '--json', '-'], { input });
    expect(code).toBe(2);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => Object.keys(JSON.parse(line) as object)[0]),
    ).toEqual(['problems', 'outcome']);
    expect(err).toMatch(/^✖ line 1: the text is longer than \d+ bytes\n$/);
  });

  it('answers a line before the next line arrives', async () => {
    const child = spawn(process.execPath, [main, 'run', '--json', '-'], { cwd: here });
    const answer = new Promise<string>((resolve) => {
      child.stdout.once('data', (chunk: Buffer) => resolve(String(chunk)));
    });
    child.stdin.write(`${lineOf(16)}\n`);
    expect(await answer).toMatch(/^\{"outcome":"ok"/);
    child.stdin.end();
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(0);
  });
});

describe('hardware that breaks the PCI specification', () => {
  const msix = (rest: Record<string, unknown> = {}) => ({
    vectors: 2,
    tableBar: 0,
    tableOffset: 0,
    pbaBar: 0,
    pbaOffset: '0x800',
    ...rest,
  });
  const bar = (rest: Record<string, unknown> = {}) => ({ index: 0, size: '0x1000', type: 'mem32', ...rest });
  const device = (bars: readonly unknown[], table?: unknown) => ({
    id: 'dev0',
    bars,
    ...(table ? { msix: table } : {}),
  });

  const devices = {
    'a table beyond its BAR': device([bar()], msix({ tableOffset: '0x1000' })),
    'a table across the end of its BAR': device([bar()], msix({ tableOffset: '0xff8' })),
    'a table at the end of 32 bits': device([bar()], msix({ tableOffset: '0xfffffff8', vectors: 2048 })),
    'a PBA beyond its BAR': device([bar()], msix({ pbaOffset: '0x100000' })),
    'a table BIR of 6': device([bar()], msix({ tableBar: 6 })),
    'a table BIR of 7': device([bar()], msix({ tableBar: 7 })),
    'a PBA BIR of 7': device([bar()], msix({ pbaBar: 7 })),
    'a table in a BAR that is not there': device([bar()], msix({ tableBar: 3 })),
    'a table without any BAR': device([], msix()),
    'table and PBA at the same place': device([bar()], msix({ pbaOffset: 0 })),
    'a PBA within the table': device([bar()], msix({ vectors: 256, pbaOffset: '0x10' })),
    'a table in an I/O BAR': device([bar({ type: 'io', size: '0x100' })], msix({ pbaOffset: '0x80' })),
    'a BAR of one byte': device([bar({ size: 1 })], msix()),
    'a BAR of no power of two': device([bar({ size: '0x1801' })], msix()),
    'a BAR of half the address space': device([bar({ size: '0x8000000000000000', type: 'mem64' })], msix()),
    'a 32-bit BAR of 64 GiB': device([bar({ size: '0x1000000000' })], msix()),
    'a 64-bit BAR in the last register': device([bar({ index: 5, type: 'mem64' })]),
    'a BAR in the upper half of another': device([bar({ type: 'mem64' }), bar({ index: 1 })]),
    'six 64-bit BARs': device(Array.from({ length: 6 }, (_, index) => bar({ index, type: 'mem64p' }))),
    'sparse areas that overlap': device([
      bar({
        size: '0x4000',
        sparse: [
          { offset: 0, size: '0x2000' },
          { offset: '0x1000', size: '0x2000' },
        ],
      }),
    ]),
    'a sparse area beyond its BAR': device([
      bar({ sparse: [{ offset: '0x8000', size: '0x8000000000000000' }] }),
    ]),
    'a sparse area of no bytes': device([bar({ sparse: [{ offset: 8, size: 0 }] })]),
  };

  const lineOf = (odd: unknown, type: string, revision: string): string =>
    JSON.stringify({
      ...SCENARIO,
      revision,
      host: { kernel: 'msix-mappable', iommu: { type } },
      devices: [odd],
      operations: [
        { op: 'set-bar', device: 'dev0', bar: 0, address: '0x10000000' },
        { op: 'enable-memory', device: 'dev0' },
        { op: 'size-bar', device: 'dev0', bar: 0 },
        { op: 'enable-msix', device: 'dev0' },
        { op: 'reset' },
      ],
    });

  it('is a valid scenario on every revision, and the run has an outcome', () => {
    const lines = REVISIONS.flatMap(({ id, iommus }) =>
      iommus
        .filter((type) => type !== 'spapr-tce-v2')
        .flatMap((type) => Object.values(devices).map((odd) => lineOf(odd, type, id))),
    );
    const { code, out, err } = barproof(['run', '--json', '-'], { input: lines.join('\n') });
    expect({ code, err }).toEqual({ code: 1, err: '' });
    const answers = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { outcome: string; error: unknown });
    expect(answers).toHaveLength(lines.length);
    for (const { outcome, error } of answers) {
      expect(['ok', 'rejected', 'aborted']).toContain(outcome);
      expect(error === null).toBe(outcome === 'ok');
    }
  });

  it('is refused, or kills QEMU, with the error message of QEMU', () => {
    const expected = [
      ['a table BIR of 7', 'qemu-11.1', 'rejected', 'invalid MSI-X BIR, table_bar=7 pba_bar=0'],
      ['a table BIR of 7', 'seed-v2', 'aborted', 'MSI-X table or PBA in a BAR that does not exist'],
      ['table and PBA at the same place', 'qemu-11.1', 'rejected', 'table & pba overlap'],
      ['a table beyond its BAR', 'qemu-11.1', 'rejected', "table & pba overlap, or they don't fit in BARs"],
    ] as const;
    const input = expected.map(([name, revision]) => lineOf(devices[name], 'type1', revision)).join('\n');
    const answers = barproof(['run', '--json', '-'], { input })
      .out.trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { outcome: string; error: string });
    for (const [index, [, , outcome, reason]] of expected.entries()) {
      expect(answers[index]!.outcome).toBe(outcome);
      expect(answers[index]!.error).toContain(reason);
    }
  });
});

describe('mtree', () => {
  it.each(['tree', 'flat'] as const)(
    'prints the dump of the seed thread byte for byte, apart from numbers: %s',
    (form) => {
      const { code, out, err } = barproof([
        'mtree',
        SEED('sas3008-before'),
        ...(form === 'flat' ? ['--flat'] : []),
      ]);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      const dump = SEED_DUMPS['sas3008-before'][form];
      expect(`\n\n${withoutNumbers(out)}\n`).toContain(`\n\n${withoutNumbers(dump)}\n`);
    },
  );
});

describe('--help', () => {
  it('has examples that run', () => {
    const { out } = shell('for command in replay run mtree; do barproof $command --help; done');
    const examples = [...out.matchAll(/^ {2}barproof (.+?) {3}/gm)].map(([, words]) => words!);
    expect(examples).toHaveLength(6);
    put('cases.ndjson', `${JSON.stringify(SCENARIO)}\n`);
    put('case.json', JSON.stringify(SCENARIO));
    cpSync(join(REPOSITORY, 'regressions/seed'), join(here, 'regressions/seed'), { recursive: true });
    const all = shell(
      examples.map((words) => `barproof ${words} > /dev/null; echo "$? ${words}"`).join('\n'),
    );
    expect(all.err).toBe('');
    // The replay examples show a case that breaks an invariant.
    for (const line of all.out.trimEnd().split('\n')) expect(line).toMatch(/^0|^1 replay/);
  });
});
