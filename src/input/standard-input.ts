import { fstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { MAX_TEXT_BYTES } from './parse-json.ts';
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

/**
 * All of standard input, without the line break at its end.
 *
 * @throws InvalidInput when standard input cannot be read, or has more than `MAX_TEXT_BYTES` bytes.
 */
export async function standardInputText(): Promise<string> {
  const lines: string[] = [];
  let length = 0;
  for await (const line of standardInputLines()) {
    lines.push(line);
    length += Buffer.byteLength(line) + 1;
    if (length > MAX_TEXT_BYTES)
      throw new InvalidInput([{ path: '', message: `standard input has more than ${MAX_TEXT_BYTES} bytes` }]);
  }
  return lines.join('\n');
}

const unreadable = (reason: string): InvalidInput =>
  new InvalidInput([{ path: '', message: `standard input cannot be read (${reason})` }]);
