import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { packageFolder } from '../input/index.ts';
import { runCommand } from './run-command.ts';
import { TreeFailure } from './tree-error.ts';

/** How many milliseconds the compiler may take for reached.c. */
const COMPILER_DEADLINE_MS = 60_000;
const PROBE = ['cc', 'reached.c'];

/** Variables by which a user gives compilers options of their own: they would change QEMU, and not the key of the cache. */
const DROPPED = /^(?:CC|CXX|CFLAGS|CXXFLAGS|CPPFLAGS|LDFLAGS|MAKEFLAGS|NINJA_STATUS|BARPROOF_.*|GIT_.*)$/;

/** The compiler that builds QEMU, and what barproof adds to it. */
export class ToolSet {
  /** The words of the compiler, such as `gcc -m64`. */
  readonly compiler: string;
  /** The compiler's own first line, and what barproof adds: a key for what it makes. */
  readonly key: string;
  readonly hasCcache: boolean;

  private constructor(compiler: string, key: string) {
    this.compiler = compiler;
    this.key = key;
    this.hasCcache = isInPath('ccache');
  }

  /** @throws TreeFailure where there is no C compiler. */
  static async find(environment: NodeJS.ProcessEnv = process.env): Promise<ToolSet> {
    const compiler = environment['CC']?.trim() || 'cc';
    const [program, ...words] = compiler.split(/\s+/);
    const end = await runCommand(program!, [...words, '--version'], {
      folder: '/',
      environment: baseEnvironment(),
      milliseconds: COMPILER_DEADLINE_MS,
    });
    if (end.status !== 0)
      throw new TreeFailure(
        'configure',
        `no C compiler: ${compiler} --version: ${end.failure ?? `status ${end.status}`}`,
      );
    const hash = createHash('sha256').update(compiler).update(end.out);
    for (const name of PROBE) hash.update(readFileSync(probeFile(name)));
    return new ToolSet(compiler, hash.digest('hex').slice(0, 16));
  }

  /**
   * Puts the compiler's wrapper and the compiled probe into a folder.
   *
   * @returns the words by which configure uses them.
   */
  async install(folder: string): Promise<readonly string[]> {
    mkdirSync(folder, { recursive: true });
    const [wrapper, object] = [join(folder, 'cc'), join(folder, 'reached.o')];
    copyFileSync(probeFile('cc'), wrapper);
    chmodSync(wrapper, 0o755);
    if (!existsSync(object)) {
      const [program, ...words] = this.compiler.split(/\s+/);
      const end = await runCommand(
        program!,
        [
          ...words,
          '-std=gnu11',
          '-O2',
          '-fPIC',
          '-Wall',
          '-Wextra',
          '-c',
          probeFile('reached.c'),
          '-o',
          object,
        ],
        { folder, environment: baseEnvironment(), milliseconds: COMPILER_DEADLINE_MS },
      );
      if (end.status !== 0)
        throw new TreeFailure('configure', `${this.compiler} does not compile`, [end.all.trim()]);
    }
    return [`--cc=${wrapper}`, `--extra-ldflags=${object}`];
  }

  /**
   * The environment of configure and ninja.
   *
   * @param folder where the build is; ccache finds what a build in another folder made.
   * @param probed the source files to add calls to; all with `*`.
   */
  environment(folder: string, probed: readonly string[] | '*' = []): NodeJS.ProcessEnv {
    return {
      ...baseEnvironment(),
      LC_ALL: 'C',
      NINJA_STATUS: '[%f/%t] ',
      BARPROOF_CC: this.hasCcache ? `ccache ${this.compiler}` : this.compiler,
      BARPROOF_PROBED: probed === '*' ? '*' : probed.map((path) => `:${path}:`).join(''),
      CCACHE_BASEDIR: folder,
      CCACHE_NOHASHDIR: '1',
    };
  }
}

/** How many compilers run at a time. */
export const jobs = (): number => availableParallelism();

const probeFile = (name: string): string => join(packageFolder(), 'src', 'qemu-tree', 'probe', name);

const baseEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !DROPPED.test(name)));

/** Whether the user's PATH has the program. */
export const isInPath = (program: string): boolean =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && existsSync(join(folder, program)));
