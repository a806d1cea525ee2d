import { cFunctions } from './c-functions.ts';
import type { ChangedStretch, LineChanges } from './line-changes.ts';

/** A function that a patch changes. */
export interface ChangedFunction {
  readonly file: string;
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** The changed lines of it. */
  readonly lines: readonly Pick<ChangedStretch, 'start' | 'end'>[];
}

/** What a patch changes, as far as a QEMU can run it. */
export interface ChangedCode {
  readonly functions: readonly ChangedFunction[];
  /** Files of C whose lines outside of every function are changed: declarations, macros, tables. */
  readonly outside: readonly string[];
  /** Files that are no C, such as documentation, tests and build files. */
  readonly other: readonly string[];
}

const C_FILE = /\.(?:c|h|c\.inc|h\.inc)$/;
/** Tests are no part of the QEMU that runs the cases. */
const TESTS = /^tests\//;

/**
 * The functions that a patch changes.
 *
 * @param read the text of a file of the patched source.
 */
export function changedCode(changes: LineChanges, read: (path: string) => string): ChangedCode {
  const functions: ChangedFunction[] = [];
  const outside: string[] = [];
  const other: string[] = [];
  for (const [file, stretches] of changes) {
    if (!C_FILE.test(file) || TESTS.test(file)) {
      other.push(file);
      continue;
    }
    const inFile = cFunctions(read(file));
    const own = inFile.flatMap((found) => {
      const lines = stretches.filter(({ start, end, removal }) =>
        // Lines that were removed in front of a function are not of it.
        removal ? start > found.start && start <= found.end : start <= found.end && end >= found.start,
      );
      return lines.length === 0 ? [] : [{ ...found, file, lines }];
    });
    functions.push(...own);
    const isInside = ({ start, end }: ChangedStretch): boolean =>
      own.some((found) => start >= found.start && end <= found.end);
    if (!stretches.every(isInside)) outside.push(file);
  }
  return { functions, outside, other };
}
