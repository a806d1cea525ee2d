import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageFolder } from '../input/index.ts';
import { currentWatch } from '../qemu/process/qemu-watch.ts';
import { coverageOf } from './function-coverage.ts';
import { ReachedPlaces } from './reached.ts';

const PROGRAM = `#include <signal.h>
#include <string.h>

static int one(void)
{
    return 1;
}

static int two(void)
{
    return 2;
}

int main(int count, char **words)
{
    for (int word = 1; word < count; word++) {
        if (!strcmp(words[word], "one")) {
            one();
        } else if (!strcmp(words[word], "two")) {
            two();
        } else {
            raise(SIGKILL);
        }
    }
}
`;

const compiler = hasCompiler();
let folder: string;
let program: string;

function hasCompiler(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-reached-'));
  if (!compiler) return;
  const probe = (name: string): string => join(packageFolder(), 'src/qemu-tree/probe', name);
  const warnings = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O2', '-fPIC'];
  execFileSync('cc', [...warnings, '-c', probe('reached.c'), '-o', join(folder, 'reached.o')]);
  // As in QEMU, the build runs in a folder of the source.
  const build = join(folder, 'build');
  execFileSync('mkdir', [build, join(folder, 'hw')]);
  writeFileSync(join(folder, 'hw', 'a.c'), PROGRAM);
  program = join(build, 'program');
  const env = { ...process.env, BARPROOF_CC: 'cc', BARPROOF_PROBED: ':hw/a.c:' };
  execFileSync(probe('cc'), ['-O0', '-g1', '-c', '../hw/a.c', '-o', 'a.o'], { cwd: build, env });
  execFileSync('cc', ['a.o', '../reached.o', '-o', 'program'], { cwd: build });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the program as barproof runs a QEMU. */
function run(...words: readonly string[]): void {
  try {
    execFileSync(program, words, { env: { ...process.env, ...currentWatch()!.start() }, stdio: 'ignore' });
  } catch {
    // The program kills itself.
  }
}

const X86 = { architecture: 'x86_64', surroundings: '' } as const;
const functions = [
  { file: 'hw/a.c', name: 'one', start: 4, end: 7, lines: [], compiled: true },
  { file: 'hw/a.c', name: 'two', start: 9, end: 12, lines: [], compiled: true },
  { file: 'hw/b.c', name: 'three', start: 1, end: 9, lines: [], compiled: false },
];

describe.skipIf(!compiler)(`ReachedPlaces${compiler ? '' : ' (skipped: there is no C compiler)'}`, () => {
  it('counts the runs of each function, also of programs that are killed', async () => {
    const reached = new ReachedPlaces();
    await reached.during(X86, async () => run('one'));
    await reached.during(X86, async () => run('one', 'two', 'die'));
    await reached.during(X86, async () => run('die'));
    // The places of another program are no places of this one.
    await reached.during({ ...X86, architecture: 'ppc64' }, async () => run('one'));
    expect(await coverageOf(functions, { x86_64: program }, reached.runs)).toEqual([
      { file: 'hw/a.c', name: 'one', runs: 2 },
      { file: 'hw/a.c', name: 'two', runs: 1 },
      { file: 'hw/b.c', name: 'three', runs: 'not compiled' },
    ]);
    const both = await coverageOf(functions, { x86_64: program, ppc64: program }, reached.runs);
    expect(both[0]).toMatchObject({ runs: 3 });
    reached.close();
  });

  it('tells runs that overlap apart, and the runs of a QEMU that serves many', async () => {
    const reached = new ReachedPlaces();
    let variables: NodeJS.ProcessEnv = {};
    const again = (word: string): void =>
      void execFileSync(program, [word], { env: { ...process.env, ...variables } });
    const first = reached.during(X86, async () => {
      variables = currentWatch()!.start();
      await Promise.resolve();
      again('one');
    });
    await Promise.all([first, reached.during(X86, async () => run('two'))]);
    await reached.during(X86, async () => {
      currentWatch()!.take(variables);
      again('two');
    });
    const { length } = reached.runs;
    const counts = await Promise.all(
      Array.from({ length }, (_, index) =>
        coverageOf(functions, { x86_64: program }, [reached.runs[index]!]),
      ),
    );
    expect(
      counts.map((found) => found.filter(({ runs }) => runs === 1).map(({ name }) => name)).toSorted(),
    ).toEqual([['one'], ['two'], ['two']]);
    reached.close();
  });

  it('does nothing in a program that is not watched', () => {
    expect(() => execFileSync(program, ['one', 'two'])).not.toThrow();
  });
});
