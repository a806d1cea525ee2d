import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { InvalidInput, printable, type Problem } from '../input/index.ts';
import type { EmitReportEvent, ReportEvent } from '../readers/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { threadFile } from './thread-file.ts';
import { systemReason } from './unexpected-error.ts';
import type { ValidateCommandOptions } from './validate-command-options.ts';

/** What the thread is started with: the patch, and the options of `barproof validate` if it is to judge the patch. */
export interface PatchOrder {
  readonly file: string;
  /** Left out where the thread runs single scenarios. */
  readonly validate?: ValidateCommandOptions;
  /** The width of the terminal that shows the verdict: a thread sees no terminal. Left out where none shows it. */
  readonly columns?: number | undefined;
}

/** What the thread gets. It takes port and key before it loads the patch, which must not answer in its name. */
export interface PatchThreadData {
  readonly order: PatchOrder;
  port?: MessagePort;
  /** Stands in each message from the thread: a patch can find the port among the handles of Node. */
  key?: string;
}

/** A message as it is sent. */
export interface SealedWord<Answer> {
  readonly key: string;
  readonly word: WordFromThread<Answer>;
}

/** A message to the thread: the user has interrupted the command, or a scenario to run on a revision with the patch. */
export type WordToThread =
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'run'; readonly scenario: Scenario; readonly revision: string };

/** A message from the thread. */
export type WordFromThread<Answer> =
  /** Once a second, and between two stretches of runs. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'event'; readonly event: ReportEvent }
  /** The report of the verdict, or the trace of a run. */
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly problems: readonly Problem[] };

/** The interrupt of the user, and who is told of the progress and of events. */
export interface PatchHooks {
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
  readonly emit?: EmitReportEvent;
}

/** How many seconds the thread may be silent. A stretch of runs takes at most 5 s, and a fault is shrunk in one go. */
const SILENCE_SECONDS = 120;
/** How many seconds the thread may take for its answer after the interrupt. */
const INTERRUPT_SECONDS = 8;
/** How many seconds a thread may live on that has closed its port. */
const CLOSED_PORT_SECONDS = 2;
/** How many lines of the patch's own output are shown. */
const MAX_LINES = 100;

const UNREADABLE = "the patch's thread gave no answer that can be read: there is no verdict";

const WORKER = threadFile('patch-worker');

/** Whether patches can run in a thread of their own: not in a test of the source on a Node that runs no TypeScript. */
export const hasPatchThread = (): boolean => WORKER !== undefined;

/**
 * A thread in which a patch is loaded and run. There, the patch cannot end the program, outlive the command, or write on
 * standard output: `process.exit` ends the thread, a timer ends with the thread, and the patch's output goes to standard
 * error, 100 lines of it.
 */
export class PatchThread<Answer> {
  readonly #file: string;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #key = randomUUID();
  readonly #timers = new Set<NodeJS.Timeout>();
  #hasEnded = false;

  /** @param write writes on standard error. */
  constructor(order: PatchOrder, write: (text: string) => void) {
    this.#file = order.file;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const data: PatchThreadData = { order, port: port2, key: this.#key };
    this.#worker = new Worker(WORKER!, {
      workerData: data,
      transferList: [port2],
      stdout: true,
      stderr: true,
    });
    this.#worker.once('exit', () => (this.#hasEnded = true));
    showOutput([this.#worker.stdout, this.#worker.stderr], order.file, write);
  }

  /**
   * Waits for the answer of the thread.
   *
   * @param question is asked first.
   * @throws InvalidInput when the patch cannot be used, or ends or blocks its thread.
   */
  async answer({ signal, onProgress, emit }: PatchHooks, question?: WordToThread): Promise<Answer> {
    const worker = this.#worker;
    const heard = new AbortController();
    try {
      return await new Promise<Answer>((resolve, reject) => {
        const fail = (message: string): void => reject(new InvalidInput([{ path: this.#file, message }]));
        const failAfter = (seconds: number, message: string): NodeJS.Timeout => {
          const timer = setTimeout(fail, seconds * 1000, message);
          this.#timers.add(timer);
          return timer;
        };
        const silence = failAfter(
          SILENCE_SECONDS,
          `the patch keeps its thread busy for ${SILENCE_SECONDS} s: there is no verdict`,
        );
        const onMessage = (sealed: SealedWord<Answer> | null): void => {
          if (sealed?.key !== this.#key) return;
          const { word } = sealed;
          silence.refresh();
          if (word.kind === 'progress') onProgress?.(word.line);
          if (word.kind === 'event') emit?.(word.event);
          if (word.kind === 'answer') resolve(word.answer);
          if (word.kind === 'failed') {
            if (word.problems.some(({ message }) => message !== '')) reject(new InvalidInput(word.problems));
            else fail(UNREADABLE);
          }
        };
        const onError = (error: unknown): void => {
          const reason = systemReason(error);
          if (reason !== undefined) reject(new InvalidInput([{ path: '', message: reason }]));
          else fail(`the patch throws outside of its rules: ${String(error)}; there is no verdict`);
        };
        const onExit = (): void => fail('the patch ends its thread, as by process.exit: there is no verdict');
        const onInterrupt = (): void => {
          this.#say({ kind: 'interrupt' });
          failAfter(INTERRUPT_SECONDS, 'interrupted before there was a verdict');
        };
        if (this.#hasEnded) onExit();
        // A port closes also before its thread ends, which has a reason of its own.
        const onUnreadable = (): void => void failAfter(CLOSED_PORT_SECONDS, UNREADABLE);
        this.#port.on('message', onMessage).on('close', onUnreadable);
        worker.on('error', onError).on('exit', onExit);
        heard.signal.addEventListener('abort', () => {
          this.#port.off('message', onMessage).off('close', onUnreadable);
          worker.off('error', onError).off('exit', onExit);
        });
        if (signal?.aborted) onInterrupt();
        else signal?.addEventListener('abort', onInterrupt, { once: true, signal: heard.signal });
        if (question !== undefined) this.#say(question);
      });
    } finally {
      heard.abort();
      for (const timer of this.#timers) clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#port.close();
    await this.#worker.terminate();
  }

  #say(word: WordToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#port.postMessage(word);
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
