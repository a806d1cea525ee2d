import { spellingHint } from './nearest-to.ts';
import { printable } from './printable.ts';
import { InvalidInput, type Problem } from './problem.ts';

/** The longest array that is read, in elements: no scenario or regression comes near it. */
const MOST_ELEMENTS = 10_000;
/** How many unknown keys of an object are reported one by one. */
const MOST_UNKNOWN_KEYS = 20;
/** How many problems are noted before reading ends: more would fill the memory, and no user reads as many. */
const MOST_PROBLEMS = 10_000;

/**
 * Reads values out of parsed JSON and notes every problem with its path instead of stopping at the first.
 * After a problem a method returns a stand-in, so that reading goes on; the result is of use only if
 * `problems` is empty.
 */
export class Decoder {
  readonly problems: Problem[] = [];

  /**
   * Notes a problem at `path`.
   *
   * @throws InvalidInput with all problems so far when there are more than 10,000.
   */
  report(path: string, message: string): void {
    if (this.problems.length === MOST_PROBLEMS) {
      const rest = `more than ${MOST_PROBLEMS} problems: the rest of the input is not read`;
      throw new InvalidInput([...this.problems, { path: '', message: rest }]);
    }
    this.problems.push({ path, message });
  }

  /** An object that has no keys but `keys`; any of them may be missing. */
  object(value: unknown, path: string, keys: readonly string[]): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.expected(path, 'an object', value);
      return {};
    }
    const unknown = Object.keys(value).filter((key) => !keys.includes(key));
    for (const key of unknown.slice(0, MOST_UNKNOWN_KEYS)) {
      const hint = spellingHint(key, keys, `allowed are ${keys.join(', ')}`);
      this.report(join(path, shorten(printable(key))), `unknown key; ${hint}`);
    }
    if (unknown.length > MOST_UNKNOWN_KEYS) {
      this.report(path, `${unknown.length - MOST_UNKNOWN_KEYS} more unknown keys`);
    }
    return value as Record<string, unknown>;
  }

  /** An array of at most 10,000 elements; `read` reads each of them. */
  array<T>(value: unknown, path: string, read: (element: unknown, path: string) => T): T[] {
    if (Array.isArray(value) && value.length <= MOST_ELEMENTS) {
      return value.map((element, index) => read(element, `${path}[${index}]`));
    }
    if (Array.isArray(value))
      this.report(path, `expected at most ${MOST_ELEMENTS} elements, found ${value.length}`);
    else this.expected(path, 'an array', value);
    return [];
  }

  /** A string of 1 to 200 characters, each of which `printable` leaves as it is. */
  string(value: unknown, path: string): string {
    if (typeof value === 'string' && value.length > 0 && value.length <= 200 && printable(value) === value) {
      return value;
    }
    this.expected(path, 'a string of 1 to 200 printable characters', value);
    return '';
  }

  /** A string of at most 10,000 characters, control characters included. */
  text(value: unknown, path: string): string {
    if (typeof value === 'string' && value.length <= 10_000) return value;
    this.expected(path, 'text of at most 10000 characters', value);
    return '';
  }

  boolean(value: unknown, path: string): boolean {
    if (typeof value === 'boolean') return value;
    this.expected(path, 'true or false', value);
    return false;
  }

  /** One of the strings in `allowed`. */
  oneOf<const T extends string>(value: unknown, path: string, allowed: readonly T[]): T {
    if (allowed.includes(value as T)) return value as T;
    const hint = typeof value === 'string' ? spellingHint(value, allowed, '') : '';
    this.expected(path, `one of ${allowed.join(', ')}`, value, hint === '' ? '' : `; ${hint}`);
    return allowed[0]!;
  }

  /** An integer from `least` to `most`; where both are equal, that very integer. */
  integer(value: unknown, path: string, least: number, most: number): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
      return value;
    this.expected(path, least === most ? String(least) : `an integer from ${least} to ${most}`, value);
    return least;
  }

  /**
   * Notes that `value` was found where `what` was expected.
   *
   * @param hint follows what was found: `; did you mean type1?`.
   */
  protected expected(path: string, what: string, value: unknown, hint = ''): void {
    const found = value === undefined ? 'which is missing' : `found ${describe(value)}`;
    this.report(path, `expected ${what}, ${found}${hint}`);
  }
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** A value in a few words. Never descends into the value, which may be nested 100,000 deep. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(shorten(printable(value))) : String(value);
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
