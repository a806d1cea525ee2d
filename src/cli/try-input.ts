import { InvalidInput, type Problem } from '../input/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { printProblems } from './print-problems.ts';

/**
 * Does something with one of several inputs. If the input is not usable, prints its problems under its name
 * and raises the exit code, so that the caller can go on with the next input.
 *
 * @param name the file, or the line of standard input.
 * @returns the problems, without the name; undefined when there are none.
 */
export async function tryInput(
  name: string,
  raiseExitCode: RaiseExitCode,
  act: () => Promise<void>,
): Promise<readonly Problem[] | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    printProblems(error.within(name).problems);
    raiseExitCode(ExitCode.COULD_NOT_RUN);
    return error.problems;
  }
}
