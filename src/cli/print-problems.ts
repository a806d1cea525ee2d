import type { Problem } from '../input/index.ts';
import { problemsText } from '../report/index.ts';

/** Writes to standard error what is wrong with the user's input. */
export const printProblems = (problems: readonly Problem[]): void =>
  void process.stderr.write(problemsText(problems));
