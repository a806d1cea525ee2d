import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { undoAtExit } from './leave-nothing-behind.ts';
import { endOf } from './process-end.ts';

/** The longest output that is kept of either stream, in characters. QEMU's list of all devices has some 30000. */
const MAX_OUTPUT = 1 << 24;

/** What a program printed, and how it ended. */
export interface ProgramResult {
  readonly out: string;
  readonly err: string;
  /** Why there is no answer: the program did not start, failed, or took too long. */
  readonly failure: string | undefined;
}

/**
 * Runs a program to its end. Neither the program nor what it starts can make the call wait longer than the deadline:
 * both are killed by SIGKILL, and a process that left the program's group loses its pipes.
 *
 * @param milliseconds the deadline.
 */
export async function runProgram(
  binary: string,
  words: readonly string[],
  milliseconds: number,
): Promise<ProgramResult> {
  let failure: string | undefined;
  let child: ChildProcess;
  try {
    // `detached` makes a process group, which can be killed as a whole.
    child = spawn(binary, words, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    return { out: '', err: '', failure: (error as Error).message };
  }
  child.once('error', ({ message }) => (failure = message));
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const timer = setTimeout(() => {
    failure = `no answer within ${milliseconds} ms`;
    killGroup(child);
  }, milliseconds);
  const cancelUndo = undoAtExit(() => killGroup(child));
  const { code, signal } = await endOf(child);
  clearTimeout(timer);
  cancelUndo();
  killGroup(child);
  for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  failure ??=
    signal !== undefined ? `ended by ${signal}` : code !== 0 ? `ended with status ${code}` : undefined;
  return { out: out(), err: err(), failure };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended.
  }
}

/** Reads a stream. @returns a function that gives the text so far. */
function collect(stream: Readable | null): () => string {
  let text = '';
  // A process that could not be started for want of descriptors has no pipes.
  stream?.setEncoding('utf8').on('data', (piece: string) => {
    if (text.length < MAX_OUTPUT) text += piece;
  });
  return () => text;
}
