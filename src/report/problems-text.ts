import { printable, type Problem } from '../input/index.ts';
import { fitted } from './wrap.ts';

/** What is wrong with an input, a line a problem and below it its further lines, for standard error. */
export const problemsText = (problems: readonly Problem[]): string =>
  problems
    .flatMap(({ path, message, details = [] }) => [
      ...fitted(`✖ ${printable(path === '' ? message : `${path}: ${message}`)}`),
      ...details.flatMap((line) => fitted(`    ${printable(line)}`)),
    ])
    .map((line) => `${line}\n`)
    .join('');
