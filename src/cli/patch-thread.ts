import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { InvalidInput, printable, type Problem } from '../input/index.ts';
import type { JudgeOptions } from '../validate/index.ts';
import type { ValidateCommandOptions } from './validate-command-options.ts';
import type { ValidateReport } from './validate-report.ts';

/** What the thread is started with. */
export interface PatchOrder {
  readonly file: string;
  readonly options: ValidateCommandOptions;
}

/** A message from the thread. The only message to the thread says that the user has interrupted the command. */
export type WordFromThread =
  /** Once a second, and between two stretches of runs. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'report'; readonly report: ValidateReport }
  | { readonly kind: 'failed'; readonly problems: readonly Problem[] };

/** How many seconds the thread may be silent. A stretch of runs takes at most 5 s, and a fault is shrunk in one go. */
const SILENCE_SECONDS = 120;
/** How many seconds the thread may take for its report after the interrupt. */
const INTERRUPT_SECONDS = 8;
/** How many lines of the patch's own output are shown. */
const MAX_LINES = 100;

/** The file of the thread; absent where barproof runs from its source, as its unit tests do. */
const WORKER = new URL('./patch-worker.js', import.meta.url);

/** Whether patches can be judged in a thread of their own: not where barproof runs from its source. */
export const hasPatchThread = (): boolean => existsSync(fileURLToPath(WORKER));

/**
 * Judges a patch in a thread of its own. There, the patch cannot end the program, outlive the verdict, or write on
 * standard output: `process.exit` ends the thread, a timer ends with the thread, and the patch's output goes to standard
 * error, 100 lines of it.
 *
 * @param write writes on standard error.
 * @throws InvalidInput when the patch cannot be judged, or ends or blocks its thread.
 */
export async function reportInThread(
  { file, options }: PatchOrder,
  { signal, onProgress }: Pick<JudgeOptions, 'signal' | 'onProgress'>,
  write: (text: string) => void,
): Promise<ValidateReport> {
  const worker = new Worker(WORKER, { workerData: { file, options }, stdout: true, stderr: true });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  const interrupt = (): void => worker.postMessage('interrupt');
  const timers = new Set<NodeJS.Timeout>();
  try {
    return await new Promise<ValidateReport>((resolve, reject) => {
      const fail = (message: string): void => reject(new InvalidInput([{ path: file, message }]));
      const failAfter = (seconds: number, message: string): NodeJS.Timeout => {
        const timer = setTimeout(fail, seconds * 1000, message);
        timers.add(timer);
        return timer;
      };
      const silence = failAfter(
        SILENCE_SECONDS,
        `the patch keeps its thread busy for ${SILENCE_SECONDS} s: there is no verdict`,
      );
      showOutput([worker.stdout, worker.stderr], file, write);
      worker.on('message', (word: WordFromThread) => {
        silence.refresh();
        if (word.kind === 'progress') onProgress?.(word.line);
        if (word.kind === 'report') resolve(word.report);
        if (word.kind === 'failed') reject(new InvalidInput(word.problems));
      });
      worker.on('error', (error: unknown) =>
        fail(`the patch throws outside of its rules: ${String(error)}; there is no verdict`),
      );
      worker.on('exit', () => fail('the patch ends its thread, as by process.exit: there is no verdict'));
      const onAbort = (): void => {
        interrupt();
        failAfter(INTERRUPT_SECONDS, 'interrupted before there was a verdict');
      };
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    for (const timer of timers) clearTimeout(timer);
    await worker.terminate();
  }
}

/** Shows the first lines of the patch's own output. The rest is read and dropped. */
function showOutput(streams: readonly Readable[], file: string, write: (text: string) => void): void {
  let shown = 0;
  for (const stream of streams) {
    createInterface({ input: stream }).on('line', (line) => {
      if (++shown <= MAX_LINES) write(`${printable(`${file} prints: ${line}`)}\n`);
      if (shown === MAX_LINES + 1) write(`${printable(file)} prints more than ${MAX_LINES} lines\n`);
    });
  }
}
