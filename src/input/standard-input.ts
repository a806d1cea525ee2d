import { fstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { decodeText } from './decode-text.ts';
import { MAX_TEXT_BYTES } from './parse-json.ts';
import { InvalidInput } from './problem.ts';

const STDIN_FILENO = 0;

/**
 * The lines of standard input, each as soon as it arrives.
 *
 * @param signal ends the lines when it is aborted.
 * @throws InvalidInput when standard input cannot be read.
 */
export async function* standardInputLines(signal?: AbortSignal): AsyncGenerator<string> {
  refuseDirectory();
  try {
    yield* createInterface({ input: process.stdin, ...(signal && { signal }) });
  } catch (error) {
    throw unreadable((error as NodeJS.ErrnoException).code ?? String(error));
  }
}

/**
 * All of standard input, without the line break at its end.
 *
 * @param signal ends the wait when it is aborted.
 * @throws InvalidInput when standard input cannot be read, has more than `MAX_TEXT_BYTES` bytes, or was waited for until the
 *   signal.
 */
export async function standardInputText(signal?: AbortSignal): Promise<string> {
  refuseDirectory();
  const stop = (): void => void process.stdin.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer | string>) {
      chunks.push(Buffer.from(chunk as Buffer));
      length += Buffer.byteLength(chunk);
      if (length > MAX_TEXT_BYTES)
        throw new InvalidInput([
          { path: '', message: `standard input has more than ${MAX_TEXT_BYTES} bytes` },
        ]);
    }
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    if (!signal?.aborted) throw unreadable((error as NodeJS.ErrnoException).code ?? String(error));
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  if (signal?.aborted) throw unreadable('interrupted before its end');
  return decodeText(Buffer.concat(chunks)).replaceAll(/\r\n?/g, '\n').replace(/\n$/, '');
}

/** @throws InvalidInput when standard input is a directory, which Node reads as an empty input. */
function refuseDirectory(): void {
  if (fstatSync(STDIN_FILENO).isDirectory()) throw unreadable('EISDIR');
}

const unreadable = (reason: string): InvalidInput =>
  new InvalidInput([{ path: '', message: `standard input cannot be read (${reason})` }]);
