import { Readable } from 'node:stream';
import { runCommandLine } from '../command-line.ts';
import type { ExitCode } from '../exit-code.ts';

/** Exit code and output of a command. */
export interface Result {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs a command in this process. Throws what would end the real program with a stack trace.
 *
 * @param input the standard input of the command.
 */
export async function runInProcess(
  words: readonly string[],
  input: string | Buffer | Readable = '',
): Promise<Result> {
  const written = { out: '', err: '' };
  // vitest keeps each spy, with what it has seen, until the file ends: too much after 100,000 runs.
  const restore = [
    capture(process.stdout, (text) => (written.out += text)),
    capture(process.stderr, (text) => (written.err += text)),
    replaceInput(input instanceof Readable ? input : Readable.from([input])),
  ];
  try {
    return { code: await runCommandLine(words), ...written };
  } finally {
    for (const undo of restore) undo();
  }
}

/** Gives what is written to a stream to a function. @returns a function that undoes it. */
function capture(stream: NodeJS.WriteStream, keep: (text: string) => void): () => void {
  const { write } = stream;
  stream.write = (text: string | Uint8Array) => {
    keep(String(text));
    return true;
  };
  return () => void (stream.write = write);
}

/** Replaces standard input. @returns a function that undoes it. */
function replaceInput(input: Readable): () => void {
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!;
  Object.defineProperty(process, 'stdin', { ...stdin, get: () => input });
  return () => void Object.defineProperty(process, 'stdin', stdin);
}
