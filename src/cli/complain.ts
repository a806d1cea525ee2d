import { printable, type InvalidInput } from '../input/index.ts';

/** Says on standard error what is wrong with what the user gave, a line a problem. */
export function complain({ problems }: Pick<InvalidInput, 'problems'>): void {
  for (const { path, message } of problems) {
    process.stderr.write(`✖ ${printable(path === '' ? message : `${path}: ${message}`)}\n`);
  }
}
