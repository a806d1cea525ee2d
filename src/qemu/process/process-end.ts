import type { ChildProcess } from 'node:child_process';
import type { Ending } from './qemu-error.ts';

/** How many milliseconds the last output may take after the end of a process. Another process may hold the pipe open. */
const OUTPUT_DEADLINE_MS = 500;

/** Resolves when a process has ended and all of its output was read, as far as the output comes in time. */
export function endOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    let late: NodeJS.Timeout | undefined;
    const settle = (code: number | null, signal: string | null): void => {
      clearTimeout(late);
      resolve({ code: code ?? undefined, signal: signal ?? undefined });
    };
    child.once('error', () => settle(null, null));
    // Node emits `close` after it has read all output. A process that it has started may hold the pipes open.
    child.once('close', settle);
    child.once('exit', (code, signal) => {
      late = setTimeout(settle, OUTPUT_DEADLINE_MS, code, signal);
    });
  });
}
