import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { programInFolder, type Result } from './testing/program-in-folder.ts';

/** Odd surroundings and odd files: each ends with exit code 2 and one sentence that names the cause, before any work. */

const CASE = fileURLToPath(new URL('../regressions/seed/cx4-64k.json', import.meta.url));
const program = programInFolder();
const path = (name: string): string => join(program.here, name);

/** Expects exit code 2, no output, and one line on standard error. */
function expectRefused({ code, out, err }: Result, message: string | RegExp): void {
  if (typeof message === 'string') expect(err).toBe(`✖ ${message}\n`);
  else expect(err).toMatch(message);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
  expect(out).toBe('');
  expect(code).toBe(2);
}

const writePatch = (): void =>
  writeFileSync(
    path('p.ts'),
    `import { definePatch } from 'barproof';\nexport default definePatch({ name: 'p' });`,
  );

const PLUGIN = `import { defineInvariant } from 'barproof';
  export default defineInvariant({ id: 'my-one', clause: 'x y z', start: () => ({ step() {} }) });`;

describe('a process that may open few files', () => {
  const COMMANDS = [
    ['check', '--runs', '5', '--no-save'],
    ['fuzz', '--runs', '1000'],
    ['prove'],
    ['validate', 'p.ts', '--runs', '5'],
    ['replay', CASE, '--patch', 'p.ts'],
    ['list', 'devices'],
  ];
  // Node itself cannot start where the limit is lower: it ends with a stack of its own, or a fault of memory.
  it.each([24, 32, 40, 64].map((limit) => [limit] as const))(
    'is told how many barproof needs where it may open %i',
    (limit) => {
      writePatch();
      for (const words of COMMANDS)
        expectRefused(
          program.run(words, { before: `ulimit -n ${limit}` }),
          `this process may open ${limit} files at a time, and barproof needs 128; raise the limit, as by: ulimit -n 128`,
        );
    },
    90_000,
  );

  it('runs every command with as many as it is told', () => {
    writePatch();
    const before = 'ulimit -n 128';
    expect(program.run(['validate', 'p.ts', '--runs', '5', '--no-save'], { before }).code).toBe(0);
    expect(program.run(['fuzz', '--runs', '1000'], { before }).code).toBe(0);
  }, 90_000);

  it('is told how many the threads of a campaign need, and runs with so many', () => {
    const words = ['fuzz', '--jobs', '8', '--runs', '1000'];
    expectRefused(
      program.run(words, { before: 'ulimit -n 351' }),
      '--jobs: this process may open 351 files at a time, and barproof needs 352; raise the limit, as by: ulimit -n 352',
    );
    expect(program.run(words, { before: 'ulimit -n 352' }).code).toBe(0);
  }, 90_000);
});

describe('a current folder that was deleted', () => {
  const GONE = 'the current folder has been deleted; change to one that exists, as by cd';
  const run = (...words: string[]): Result =>
    program.run(words, { before: 'mkdir gone && cd gone && rmdir ../gone' });

  it.each([
    [['fuzz', '--runs', '1000'], `--corpus: corpus: ${GONE}`],
    [['prove', '--corpus', 'x'], `--corpus: x: ${GONE}`],
    [['merge', 'part', '--into', 'x'], `part: ${GONE}`],
    [['replay', 'c.json'], `c.json: ${GONE}`],
    [['replay', CASE, '--patch', '/p.ts'], `${CASE}: ${GONE}`],
    [['explain', 'c.txt'], `c.txt: ${GONE}`],
    [['validate', 'p.ts'], GONE],
    [['new-patch', 'p'], `p.ts: ${GONE}`],
    [['check', '--runs', '5', '--no-save', '--report', 'json=r.json'], `--report: r.json: ${GONE}`],
    [['check', '--runs', '5', '--no-save', '--mail'], GONE],
    [['check', '--runs', '5', '--regressions', 'x'], `--regressions: x: ${GONE}`],
  ])('is the cause that %j tells', (words, message) => expectRefused(run(...words), message), 90_000);

  it.each([
    ['list', 'devices'],
    ['check', '--runs', '5'],
    ['mtree', CASE],
  ])(
    'does not stop %s',
    (...words) => {
      expect(run(...words).code).toBe(0);
    },
    90_000,
  );
});

describe('a place that cannot take what a command would write', () => {
  it.each([
    [['fuzz', '--corpus', '/dev/null'], '--corpus: /dev/null'],
    [['prove', '--corpus', '/dev/null'], '--corpus: /dev/null'],
    [['check', '--regressions', '/dev/null'], '--regressions: /dev/null'],
    [['validate', 'p.ts', '--regressions', '/dev/null'], '--regressions: /dev/null'],
  ])(
    'is refused before the work: %j',
    (words, where) => {
      writePatch();
      expectRefused(program.run(words), `${where}: this is no folder, or below a file; expected a folder`);
    },
    90_000,
  );

  it('is refused where the file system takes no folder, and no try leaves anything', () => {
    expectRefused(
      program.run(['fuzz', '--corpus', '/proc/x/y']),
      /^✖ --corpus: \/proc\/x\/y: no file can be written into this folder \(E[A-Z]+\)\n$/,
    );
    expect(program.run(['check', '--runs', '5', '--regressions', 'a/b/c']).code).toBe(0);
    expect(existsSync(path('a'))).toBe(false);
  }, 90_000);
});

describe('merge', () => {
  it('refuses a folder and a file that are no campaign, and says what a campaign is', () => {
    mkdirSync(path('other'));
    writeFileSync(path('other/a.txt'), '');
    const message =
      'this is no folder of a campaign: barproof fuzz and barproof prove write findings, states or scenarios into it';
    expectRefused(program.run(['merge', 'other', '--into', 'all']), `other: ${message}`);
    expectRefused(program.run(['merge', 'other/a.txt', '--into', 'all']), `other/a.txt: ${message}`);
    expect(existsSync(path('all'))).toBe(false);
  }, 90_000);

  it('takes a campaign without findings', () => {
    expect(program.run(['fuzz', '--runs', '1000', '--corpus', 'part']).code).toBe(0);
    const { code, out } = program.run(['merge', 'part', '--into', 'all']);
    expect(out).toContain('0 findings');
    expect(code).toBe(0);
    expect(readdirSync(path('all/states'))).toHaveLength(1);
  }, 90_000);
});

describe('the cache', () => {
  it.each([[[]], [['--clear']], [['--build', '.']]])(
    'says that its path goes through a file: cache %j',
    (more) => {
      expectRefused(
        program.run(['cache', ...more], { env: { XDG_CACHE_HOME: '/dev/null' } }),
        'the cache cannot be /dev/null/barproof/qemu-tree: a part of this path is a file; name a folder in XDG_CACHE_HOME',
      );
    },
    90_000,
  );

  it('ends where the file system takes no folder', () => {
    const { code, err, milliseconds } = program.run(['cache', '--build', path('')], {
      env: { XDG_CACHE_HOME: '/proc/nowhere' },
    });
    expect(err).toMatch(/^✖ the cache \/proc\/nowhere\/barproof\/qemu-tree cannot be made \(E[A-Z]+\)\n$/);
    expect(code).toBe(2);
    expect(milliseconds).toBeLessThan(30_000);
  }, 90_000);
});

describe('text in another encoding', () => {
  const encoded = (text: string, encoding: string): Buffer => {
    if (encoding === 'UTF-8') return Buffer.from(`\ufeff${text}`);
    const little = Buffer.from(`\ufeff${text}`, 'utf16le');
    return encoding === 'UTF-16LE' ? little : little.swap16();
  };

  it.each(['UTF-8', 'UTF-16LE', 'UTF-16BE'])(
    'is read where a byte order mark says %s',
    (encoding) => {
      writeFileSync(path('c.json'), encoded(readFileSync(CASE, 'utf8'), encoding));
      writePatch();
      writeFileSync(path('p.ts'), encoded(readFileSync(path('p.ts'), 'utf8'), encoding));
      for (const [command, code] of [
        ['replay', 1],
        ['run', 1],
        ['mtree', 0],
        ['explain', 0],
      ] as const) {
        const [result, plain] = [program.run([command, 'c.json']), program.run([command, CASE])];
        expect(result.out).toBe(plain.out.replaceAll(CASE, 'c.json'));
        expect(result.code).toBe(code);
      }
      expect(program.run(['validate', 'p.ts', '--runs', '5', '--no-save']).code).toBe(0);
    },
    90_000,
  );

  it('is named where no mark says that it is UTF-16', () => {
    writeFileSync(path('c.json'), Buffer.from(readFileSync(CASE, 'utf8'), 'utf16le'));
    for (const command of ['replay', 'run', 'mtree', 'explain', 'reproduce'])
      expectRefused(
        program.run([command, 'c.json']),
        'c.json: this is not JSON: the text seems to be UTF-16; expected UTF-8',
      );
  }, 90_000);

  it('is told from zeros', () => {
    writeFileSync(path('zeros'), Buffer.alloc(1000));
    expectRefused(program.run(['explain', 'zeros']), 'zeros: there are 1000 bytes of zero, and no text');
    expectRefused(
      program.run(['run', 'zeros']),
      'zeros: this is not JSON: it begins with bytes of zero, which no text has',
    );
  }, 90_000);
});

describe('a plugin', () => {
  const withPlugin = (text: string, ...words: string[]): Result => {
    writeFileSync(path('mine.ts'), `${text};\n${PLUGIN}`);
    return program.run([...words, '--plugin', 'mine.ts']);
  };
  const ENDS = '✖ mine.ts: the plugin ends the program, as by process.exit: there is no result\n';

  it.each(['process.exit(0)', 'process.exit(1)', 'process.exit(2)', 'setTimeout(() => process.exit(1), 1)'])(
    'that calls %s is named',
    (act) => {
      for (const words of [
        ['check', '--runs', '500', '--no-save'],
        ['replay', CASE],
      ]) {
        const { code, err } = withPlugin(act, ...words);
        expect(err).toBe(ENDS);
        expect(code).toBe(2);
      }
    },
    90_000,
  );

  it('that leaves a timer does not keep the program', () => {
    const { code, milliseconds } = withPlugin(
      'setInterval(() => 1, 1000)',
      'check',
      '--runs',
      '5',
      '--no-save',
    );
    expect(code).toBe(0);
    expect(milliseconds).toBeLessThan(30_000);
  }, 90_000);

  it('that throws outside of its functions is named', () => {
    const act = 'setTimeout(() => { throw new Error("late"); }, 1)';
    const { code, err } = withPlugin(act, 'check', '--runs', '500', '--no-save');
    expect(err).toMatch(/internal error.*: Error: late.*; the cause may be in mine\.ts\n$/);
    expect(code).toBe(2);
  }, 90_000);

  it('that replaces a built-in is refused', () => {
    expectRefused(
      withPlugin('JSON.stringify = () => ""', 'check', '--runs', '5', '--no-save'),
      /^✖ mine\.ts: replaces JSON\.stringify, by which barproof itself works; /,
    );
  }, 90_000);
});

describe('control characters', () => {
  const ODD = '\u001b[31mX\u009b2J\u202e';
  // oxlint-disable-next-line no-control-regex -- these characters command a terminal
  const UNSAFE = /[\u001b\u009b\u202e]/;

  it.each([
    [[ODD]],
    [['check', `--${ODD}`]],
    [['check', '--runs', ODD]],
    [['check', '--target', ODD]],
    [['check', '--report', ODD]],
    [['list', ODD]],
    [['completion', ODD]],
    [['fuzz', '--time', ODD]],
    [['fuzz', '--shard', ODD]],
    [['prove', '--pages', ODD]],
    [['replay', ODD]],
    [['merge', ODD, '--into', 'x']],
    [['cache', '--build', ODD]],
  ])(
    'of an unknown word are spelt out: %j',
    (words) => {
      const { code, out, err } = program.run(words);
      expect(`${out}${err}`).not.toMatch(UNSAFE);
      expect(err).toContain('\\u001b[31mX\\u009b2J\\u202e');
      expect(code).toBe(2);
    },
    90_000,
  );

  it.each(['replay', 'run', 'mtree', 'explain'])(
    'of a file name are spelt out by %s',
    (command) => {
      writeFileSync(path(`${ODD}.json`), readFileSync(CASE));
      const { out, err } = program.run([command, `${ODD}.json`]);
      expect(`${out}${err}`).not.toMatch(UNSAFE);
    },
    90_000,
  );
});
