import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '../input/index.ts';
import { COMMON_WORDS, DEVICES_NAME, type Configuration, type ConfiguredTarget } from './configuration.ts';
import type { FileLock } from './file-lock.ts';
import { runCommand, type CommandEnd } from './run-command.ts';
import { jobs, type ToolSet } from './tool-set.ts';
import { TreeFailure } from './tree-error.ts';

/** How many milliseconds the steps may take: a machine of two cores needs 1 minute and 7 minutes. */
const CONFIGURE_DEADLINE_MS = 600_000;
const BUILD_DEADLINE_MS = 3_600_000;
/** The most that a build may print, in characters: a patch could print without end. */
const MAX_LOG = 64 << 20;
/** The most bytes of a file that a build makes, in blocks of 512 bytes (sh, `ulimit -f`): 4 GiB. */
const MAX_FILE_BLOCKS = 8 << 20;

/** What a build tells while it runs. */
export interface BuildHooks {
  readonly signal?: AbortSignal | undefined;
  /** The lock of the build: its programs hold it until their end, also where this process ends before. */
  readonly lock: FileLock;
  /** How many steps of how many are done. */
  readonly onStep?: (done: number, of: number) => void;
}

/** The folder of a source in which QEMU is built. */
export class Build {
  readonly folder: string;
  /** What configure and ninja print. */
  readonly log: string;
  readonly #source: string;
  readonly #configuration: Configuration;
  readonly #tools: ToolSet;

  /** @param source the folder of the source. */
  constructor(source: string, configuration: Configuration, tools: ToolSet) {
    this.#source = source;
    this.#configuration = configuration;
    this.#tools = tools;
    this.folder = join(source, 'build');
    this.log = join(this.folder, 'barproof.log');
  }

  /** The QEMU of a target that `compile` makes. */
  program({ program }: ConfiguredTarget): string {
    return join(this.folder, program);
  }

  /**
   * Makes the build folder anew.
   *
   * @param words by which configure uses the tools.
   * @throws TreeFailure with the last words of configure.
   */
  async configure(words: readonly string[], hooks: BuildHooks): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder);
    for (const { name, devices } of this.#configuration.targets) {
      if (devices === undefined) continue;
      const folder = join(this.#source, 'configs', 'devices', name);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${DEVICES_NAME}.mak`), `${devices.join('\n')}\n`);
    }
    let left = [...COMMON_WORDS, ...this.#configuration.words, ...words];
    for (;;) {
      const end = await this.#run('../configure', left, CONFIGURE_DEADLINE_MS, hooks);
      if (end.status === 0) break;
      const unknown = /ERROR: unknown option (--[\w-]+)/.exec(end.all)?.[1];
      const fewer = left.filter((word) => word !== unknown && !word.startsWith(`${unknown}=`));
      if (unknown === undefined || fewer.length === left.length) throw this.#failure('configure', end);
      left = fewer;
    }
    if (!existsSync(join(this.folder, 'build.ninja')))
      throw new TreeFailure(
        'configure',
        'configure made no build.ninja; QEMU 5.2 is the oldest that barproof builds',
      );
  }

  /**
   * Builds what has changed.
   *
   * @param probed the source files whose reached places are noted.
   * @returns the objects that were compiled, and what ninja printed.
   * @throws TreeFailure for the time and the log alone: the caller looks at what failed.
   */
  async compile(
    probed: readonly string[] | '*',
    hooks: BuildHooks,
  ): Promise<{ readonly objects: readonly string[]; readonly output: string; readonly failed: boolean }> {
    const objects: string[] = [];
    writeFileSync(this.log, '');
    const onLine = (line: string): void => {
      const [, done, of, what] = /^\[(\d+)\/(\d+)\] (.*)/.exec(line) ?? [];
      if (done === undefined) return;
      const object = /^Compiling \S+ object (\S+)$/.exec(what!)?.[1];
      if (object !== undefined) objects.push(object);
      hooks.onStep?.(Number(done), Number(of));
    };
    const words = [`-j${jobs()}`, ...this.#configuration.targets.map(({ program }) => program)];
    const end = await this.#run('ninja', words, BUILD_DEADLINE_MS, { ...hooks, onLine, probed });
    if (end.failure !== undefined) throw this.#failure('limit', end);
    return { objects, output: end.all, failed: end.status !== 0 };
  }

  /**
   * Those of the objects that were compiled from one of the files, or from one that includes it.
   *
   * @param files paths in the source.
   */
  async dependents(
    objects: readonly string[],
    files: ReadonlySet<string>,
    lock: FileLock,
  ): Promise<readonly string[]> {
    if (objects.length === 0) return [];
    const found = new Set<string>();
    let object = '';
    const onLine = (line: string): void => {
      // `x.o: #deps 2, deps mtime 1 (VALID)`, and below it `    ../hw/vfio/pci.c`.
      object = /^(\S+): #deps /.exec(line)?.[1] ?? object;
      if (files.has(line.trim().replace(/^\.\.\//, ''))) found.add(object);
    };
    await this.#run('ninja', ['-t', 'deps', ...objects], CONFIGURE_DEADLINE_MS, {
      lock,
      onLine,
      quiet: true,
    });
    return [...found];
  }

  async #run(
    program: string,
    words: readonly string[],
    milliseconds: number,
    {
      signal,
      lock,
      onLine,
      probed,
      quiet = false,
    }: BuildHooks & {
      readonly onLine?: (line: string) => void;
      readonly probed?: readonly string[] | '*';
      readonly quiet?: boolean;
    },
  ): Promise<CommandEnd> {
    const tooMuch = new AbortController();
    let logged = 0;
    const end = await runCommand(
      '/bin/sh',
      ['-c', `ulimit -c 0; ulimit -f ${MAX_FILE_BLOCKS}; exec nice -n 5 "$0" "$@"`, program, ...words],
      {
        folder: this.folder,
        environment: this.#tools.environment(this.#source, probed),
        milliseconds,
        held: lock.file,
        signal: signal === undefined ? tooMuch.signal : AbortSignal.any([signal, tooMuch.signal]),
        onLine: (line) => {
          onLine?.(line);
          if (quiet) return;
          logged += line.length + 1;
          if (logged > MAX_LOG) return tooMuch.abort();
          appendFileSync(this.log, `${line}\n`);
        },
      },
    );
    return tooMuch.signal.aborted ? { ...end, failure: `it prints more than ${MAX_LOG >> 20} MiB` } : end;
  }

  #failure(kind: 'configure' | 'limit', end: CommandEnd): TreeFailure {
    const step = kind === 'configure' ? 'QEMU does not configure' : 'QEMU is not built';
    const why = end.failure === undefined ? '' : `: ${end.failure}`;
    return new TreeFailure(end.failure === undefined ? kind : 'limit', step + why, [
      ...wordsOfConfigure(end.all),
      `all that it printed: ${this.log}`,
    ]);
  }
}

/** The lines by which configure and meson say what is missing; else the last lines. */
function wordsOfConfigure(text: string): readonly string[] {
  const lines = text.split('\n').map(printable);
  const errors = lines.filter((line) => /\bERROR\b|^error:/.test(line));
  return errors.length > 0 ? errors.slice(0, 10) : lines.filter((line) => line !== '').slice(-10);
}
