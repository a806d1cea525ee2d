import { printable, type Problem } from '../input/index.ts';

/** What is wrong with an input, a line a problem and below it its further lines, for standard error. */
export const problemsText = (problems: readonly Problem[]): string =>
  problems
    .flatMap(({ path, message, details = [] }) => [
      `✖ ${printable(path === '' ? message : `${path}: ${message}`)}\n`,
      ...details.map((line) => `    ${printable(line)}\n`),
    ])
    .join('');
