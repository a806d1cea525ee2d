import { InvalidArgumentError } from 'commander';

const LONGEST_SEED = 200;

/** A seed: any text of at most 200 characters. */
export function seedText(text: string): string {
  if (text.length <= LONGEST_SEED) return text;
  throw new InvalidArgumentError(`expected at most ${LONGEST_SEED} characters.`);
}

/** A number of cases: a whole number from 1 to 1000000000. A search without a case would say that all is well. */
export const numberOfRuns = wholeNumber(1, 1_000_000_000);

/** A parser of whole numbers. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
  };
}
