/**
 * The last net: it holds for the whole program, and imports nothing. A program that may open no more files could not
 * even load the rest of barproof.
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
  process.exit(COULD_NOT_RUN);
}

/**
 * Runs the program. An error that nothing catches is one line and exit code 2. Node would print a stack and exit with 1,
 * the code of a counterexample.
 *
 * @param program returns the exit code.
 */
export async function runInNet(program: () => Promise<number>): Promise<void> {
  let finished = false;
  process.on('uncaughtException', (error) => {
    // A long command has a listener of its own, and tells first what it has found.
    if (process.listenerCount('uncaughtException') > 1) return;
    endWith(error);
  });
  process.on('exit', (code) => {
    // Node ends the program when no work is left, also if a command still waits for something.
    if (finished || (code !== 0 && code !== NOTHING_LEFT_TO_DO)) return;
    process.exitCode = COULD_NOT_RUN;
    process.stderr.write(describe(new Error('the program ended before the command had a result')));
  });
  try {
    process.exitCode = await program();
    finished = true;
  } catch (error) {
    endWith(error);
  }
}
