import { fstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { InvalidInput } from './problem.ts';

const STDIN_FILENO = 0;

/**
 * The lines of standard input, each as soon as it arrives.
 *
 * @throws InvalidInput when standard input cannot be read.
 */
export async function* standardInputLines(): AsyncGenerator<string> {
  // Node reads a directory as an empty input.
  if (fstatSync(STDIN_FILENO).isDirectory()) throw unreadable('EISDIR');
  try {
    yield* createInterface({ input: process.stdin });
  } catch (error) {
    throw unreadable((error as NodeJS.ErrnoException).code ?? String(error));
  }
}

const unreadable = (reason: string): InvalidInput =>
  new InvalidInput([{ path: '', message: `standard input cannot be read (${reason})` }]);
