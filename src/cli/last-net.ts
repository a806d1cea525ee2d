import { ExitCode } from './exit-code.ts';
import { printProblems } from './print-problems.ts';
import { problemsOf } from './unexpected-error.ts';

/**
 * Holds for the whole program: an error that nothing catches is one line and exit code 2. Node would print a stack and
 * exit with 1, the code of a counterexample.
 *
 * @returns a function to call with the exit code once the command has ended by itself.
 */
export function spreadLastNet(): (code: ExitCode) => void {
  let finished = false;
  process.on('uncaughtException', (error) => {
    // A long command has a listener of its own, and tells first what it has found.
    if (process.listenerCount('uncaughtException') > 1) return;
    finished = true;
    endWith(error);
  });
  process.on('exit', (code) => {
    // Node ends the program when no work is left, also if a command still waits for something.
    if (finished || (code !== ExitCode.HOLDS && code !== NOTHING_LEFT_TO_DO)) return;
    process.exitCode = ExitCode.COULD_NOT_RUN;
    printProblems(problemsOf(new Error('the program ended before the command had a result')));
  });
  return (code) => {
    finished = true;
    process.exitCode = code;
  };
}

/** Exit code of Node when the main module waits for a promise that nothing can settle any more. */
const NOTHING_LEFT_TO_DO = 13;

/** Prints an error and ends the program at once. */
export function endWith(error: unknown): never {
  printProblems(problemsOf(error));
  process.exit(ExitCode.COULD_NOT_RUN);
}
