import { nearestTo } from './nearest-to.ts';
import { printable } from './printable.ts';
import { InvalidInput, type Problem } from './problem.ts';

/** More of anything than a scenario or regression has; what is longer is not read to its end. */
const MOST_ELEMENTS = 10_000;
const MOST_UNKNOWN_KEYS = 20;
const MOST_PROBLEMS = 10_000;

/**
 * Reads values out of parsed JSON and notes every problem with its path instead of stopping at the
 * first. A reader returns a stand-in after a problem, so that reading can go on; the result counts
 * only when `problems` is empty.
 */
export class Decoder {
  readonly problems: Problem[] = [];

  /**
   * Notes a problem at `path`.
   *
   * @throws InvalidInput with all problems so far when there are more of them than anybody would read.
   */
  report(path: string, message: string): void {
    if (this.problems.length === MOST_PROBLEMS) {
      const rest = `more than ${MOST_PROBLEMS} problems: what comes after them is not read`;
      throw new InvalidInput([...this.problems, { path: '', message: rest }]);
    }
    this.problems.push({ path, message });
  }

  /** An object with none but the named keys. */
  object(value: unknown, path: string, keys: readonly string[]): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.expected(path, 'an object', value);
      return {};
    }
    const unknown = Object.keys(value).filter((key) => !keys.includes(key));
    for (const key of unknown.slice(0, MOST_UNKNOWN_KEYS)) {
      const nearest = nearestTo(key, keys);
      const hint = nearest === undefined ? `allowed are ${keys.join(', ')}` : `did you mean ${nearest}?`;
      this.report(join(path, shorten(printable(key))), `unknown key; ${hint}`);
    }
    if (unknown.length > MOST_UNKNOWN_KEYS) {
      this.report(path, `${unknown.length - MOST_UNKNOWN_KEYS} more unknown keys`);
    }
    return value as Record<string, unknown>;
  }

  /** An array of at most `MOST_ELEMENTS` elements, each read by `read`. */
  array<T>(value: unknown, path: string, read: (element: unknown, path: string) => T): T[] {
    if (Array.isArray(value) && value.length <= MOST_ELEMENTS) {
      return value.map((element, index) => read(element, `${path}[${index}]`));
    }
    if (Array.isArray(value))
      this.report(path, `expected at most ${MOST_ELEMENTS} elements, found ${value.length}`);
    else this.expected(path, 'an array', value);
    return [];
  }

  /** A string of 1 to 200 characters, all of which can be printed. */
  string(value: unknown, path: string): string {
    if (typeof value === 'string' && value.length > 0 && value.length <= 200 && printable(value) === value) {
      return value;
    }
    this.expected(path, 'a string of 1 to 200 printable characters', value);
    return '';
  }

  /** Text of any reasonable length. */
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

  /** One of a few strings. */
  oneOf<const T extends string>(value: unknown, path: string, allowed: readonly T[]): T {
    if (allowed.includes(value as T)) return value as T;
    const nearest = typeof value === 'string' ? nearestTo(value, allowed) : undefined;
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    this.expected(path, `one of ${allowed.join(', ')}`, value, hint);
    return allowed[0]!;
  }

  /** An integer from `least` to `most`. */
  integer(value: unknown, path: string, least: number, most: number): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
      return value;
    this.expected(path, `an integer from ${least} to ${most}`, value);
    return least;
  }

  /** Notes that `value` is not `what` was expected. */
  protected expected(path: string, what: string, value: unknown, hint = ''): void {
    const found = value === undefined ? 'which is missing' : `found ${describe(value)}`;
    this.report(path, `expected ${what}, ${found}${hint}`);
  }
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** A value in a few words; never walks into it, it may be nested without end. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(shorten(printable(value))) : String(value);
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
