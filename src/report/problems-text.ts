import { printable, type Problem } from '../input/index.ts';

/** What is wrong with an input, a line a problem, for standard error. */
export const problemsText = (problems: readonly Problem[]): string =>
  problems
    .map(({ path, message }) => `✖ ${printable(path === '' ? message : `${path}: ${message}`)}\n`)
    .join('');
