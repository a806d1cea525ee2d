import { Readable } from 'node:stream';
import { vi } from 'vitest';
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
  const keep = (stream: keyof typeof written) => (text: string | Uint8Array) => {
    written[stream] += String(text);
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(keep('out'));
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(keep('err'));
  const stdin = vi
    .spyOn(process, 'stdin', 'get')
    .mockReturnValue((input instanceof Readable ? input : Readable.from([input])) as typeof process.stdin);
  try {
    return { code: await runCommandLine(words), ...written };
  } finally {
    for (const spy of [out, err, stdin]) spy.mockRestore();
  }
}
