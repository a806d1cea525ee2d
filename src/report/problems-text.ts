import { printable, type Problem } from '../input/index.ts';
import { fittedText } from './wrap.ts';

/** What is wrong with an input, a line a problem and below it its further lines, for standard error. */
export const problemsText = (problems: readonly Problem[]): string =>
  fittedText(
    problems.flatMap(({ path, message, details = [] }) => [
      `✖ ${printable(path === '' ? message : `${path}: ${message}`)}`,
      ...details.map((line) => `    ${printable(line)}`),
    ]),
  );
