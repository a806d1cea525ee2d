import { fstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { InvalidInput } from '../input/index.ts';

const STDIN_FILENO = 0;

/**
 * The lines of standard input.
 *
 * @throws InvalidInput when it cannot be read
 */
export async function* standardInput(): AsyncGenerator<string> {
  // Node takes a directory for an input that is at its end.
  if (fstatSync(STDIN_FILENO).isDirectory()) throw unreadable('EISDIR');
  try {
    yield* createInterface({ input: process.stdin });
  } catch (error) {
    throw unreadable((error as NodeJS.ErrnoException).code ?? String(error));
  }
}

const unreadable = (reason: string): InvalidInput =>
  new InvalidInput([{ path: '', message: `standard input cannot be read (${reason})` }]);

/** Writes to standard output, and waits where its reader is slower. */
export async function writeOut(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}
