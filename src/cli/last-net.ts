import { readFileSync } from 'node:fs';

/**
 * The last net: it holds for the whole program, and imports nothing of barproof. A program that may open no more files
 * could not even load the rest.
 */

/** Exit code when barproof could not judge (exit-code.ts). */
const COULD_NOT_RUN = 2;
/** Exit code of Node when the main module waits for a promise that nothing can settle any more. */
const NOTHING_LEFT_TO_DO = 13;

let describe = (error: unknown): string => {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  const many =
    code === 'EMFILE' ? 'this process may open no more files; raise the limit with ulimit -n: ' : '';
  return `✖ barproof could not start: ${many}${String(error).split('\n')[0]}\n`;
};

/** @param words gives the lines that tell the user about an error. */
export function tellErrorsBy(words: (error: unknown) => string): void {
  describe = words;
}

/** Prints an error and ends the program at once, with exit code 2. */
export function endWith(error: unknown): never {
  process.stderr.write(describe(error));
  leave(COULD_NOT_RUN);
}

/** Whether barproof itself ends the program. */
let leaves = false;

/** Ends the program at once. */
export function leave(code: number): never {
  leaves = true;
  process.exit(code);
}

let plugins: readonly string[] = [];

/** @param files plugins, which run in this thread and could end the program. */
export function watchPlugins(files: readonly string[]): void {
  plugins = files;
}

/** The plugins that run in this thread, as they are named to the user. */
export const watchedPlugins = (): readonly string[] => plugins;

/** Waits until what was printed is written, but not for a reader that does not read. */
const flushed = (): Promise<unknown> =>
  Promise.race([
    Promise.all(
      [process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))),
    ),
    new Promise((resolve) => setTimeout(resolve, FLUSH_MS)),
  ]);

const FLUSH_MS = 10_000;

/** How many open files the program asks for at least. Measured while it loads, and judges in a second thread: at most 68. */
const LEAST_OPEN_FILES = 128;
/** How many more each further thread opens. Measured: 20. */
const FILES_OF_A_THREAD = 32;

/**
 * @param threads how many threads judge cases beside the main thread, from 1. One is counted in what is asked for at least.
 * @returns in one sentence, that this process may open too few files. Otherwise the failure to open a module would be told
 *   in many ways, and some would blame a patch.
 */
export function tooFewFiles(threads = 1): string | undefined {
  const needed = LEAST_OPEN_FILES + FILES_OF_A_THREAD * (threads - 1);
  let limit: number;
  try {
    limit = Number(
      /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? needed,
    );
  } catch (error) {
    // Other systems than Linux have no such file.
    if (!['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code!)) return undefined;
    limit = 0;
  }
  if (limit >= needed) return undefined;
  const allowed = limit === 0 ? 'no more files' : `${limit} files at a time`;
  return `this process may open ${allowed}, and barproof needs ${needed}; raise the limit, as by: ulimit -n ${needed}`;
}

/**
 * Runs the program. An error that nothing catches is one line and exit code 2. Node would print a stack and exit with 1,
 * the code of a counterexample.
 *
 * @param program returns the exit code.
 */
export async function runInNet(program: () => Promise<number>): Promise<void> {
  let finished: number | undefined;
  process.on('uncaughtException', (error) => {
    // A long command has a listener of its own, and tells first what it has found.
    if (process.listenerCount('uncaughtException') > 1) return;
    endWith(error);
  });
  process.on('exit', (code) => {
    // Node ends the program when no work is left, also if a command still waits for something.
    if (leaves) return;
    if (finished !== undefined) {
      // A plugin may end the program with another code, from a timer.
      process.exitCode = finished;
      return;
    }
    const hasNothingToDo = code === 0 || code === NOTHING_LEFT_TO_DO;
    if (plugins.length > 0) {
      const who = plugins.length === 1 ? 'the plugin' : 'one of the plugins';
      process.stderr.write(
        `✖ ${plugins.join(', ')}: ${who} ends the program, as by process.exit: there is no result\n`,
      );
    }
    process.exitCode = COULD_NOT_RUN;
    if (plugins.length > 0 || !hasNothingToDo) return;
    process.stderr.write(describe(new Error('the program ended before the command had a result')));
  });
  const few = tooFewFiles();
  if (few !== undefined) {
    process.stderr.write(`✖ ${few}\n`);
    leave(COULD_NOT_RUN);
  }
  try {
    finished = await program();
    process.exitCode = finished;
    // A timer of a plugin would keep the program.
    if (plugins.length > 0) await flushed();
    if (plugins.length > 0) leave(finished);
  } catch (error) {
    endWith(error);
  }
}
