import { InvalidArgumentError } from 'commander';

const LONGEST_SEED = 200;

/** A seed: any text. */
export function seedText(text: string): string {
  if (text.length <= LONGEST_SEED) return text;
  throw new InvalidArgumentError(`expected at most ${LONGEST_SEED} characters.`);
}

/** A number of cases. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 1_000_000_000) return number;
  throw new InvalidArgumentError('expected a whole number up to 1000000000.');
}
