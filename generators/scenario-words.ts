import type { Scenario } from '../src/scenario/index.ts';

/** Fields that name things: two scenarios with other names are the same. */
const NAMES: ReadonlySet<string> = new Set(['id', 'device', 'name', 'revision', 'version']);
/** Lists that are longer are alike. */
const LONGEST = 4;

/**
 * What a scenario says, in words: one for each value of each field, for the length of each list, and for each operation
 * behind another. A number has two words, its magnitude and its alignment, so that few words say what the numbers of a
 * scenario have in common with those of another.
 */
export function wordsOf({ operations, ...rest }: Scenario): ReadonlySet<string> {
  const words = new Set<string>();
  addWords(rest, '', words);
  let before = 'start';
  for (const operation of operations) {
    words.add(`${before} > ${operation.op}`);
    addWords(operation, operation.op, words);
    before = operation.op;
  }
  return words;
}

function addWords(value: unknown, path: string, words: Set<string>): void {
  if (typeof value === 'bigint') addNumber(value, path, words);
  else if (typeof value === 'number') addNumber(BigInt(value), path, words);
  else if (Array.isArray(value)) {
    words.add(`${path} has ${Math.min(value.length, LONGEST)}`);
    for (const element of value) addWords(element, path, words);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value))
      if (!NAMES.has(name)) addWords(part, `${path}.${name}`, words);
  } else if (value !== undefined) words.add(`${path} is ${String(value)}`);
}

function addNumber(number: bigint, path: string, words: Set<string>): void {
  const digits = number.toString(2);
  words.add(`${path} below 2^${number === 0n ? 0 : digits.length}`);
  words.add(`${path} in units of 2^${number === 0n ? 'any' : digits.length - 1 - digits.lastIndexOf('1')}`);
}
