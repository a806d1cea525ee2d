import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { BlockOrder, BlockResult, Discovery, KeptScenario, ShrunkDiscovery } from '../campaign/index.ts';
import type { Problem } from '../input/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { CampaignWorkOrder } from './campaign-work.ts';

/** A message to a job of a campaign. */
export type WordToJob =
  /** The first word: what the job works on. */
  | { readonly kind: 'begin'; readonly order: CampaignWorkOrder }
  | { readonly kind: 'run'; readonly order: BlockOrder }
  | { readonly kind: 'shrink'; readonly discovery: Discovery }
  | { readonly kind: 'simplify'; readonly kept: KeptScenario }
  /** The campaign ends: the job finishes its case, and answers with what it has. */
  | { readonly kind: 'interrupt' }
  /** The last word: the job closes its target, and ends. */
  | { readonly kind: 'close' };

/** A message from a job of a campaign. */
export type WordFromJob =
  /** The first case of a discovery, while the block runs. */
  | { readonly kind: 'discovery'; readonly discovery: Discovery }
  | { readonly kind: 'block'; readonly result: BlockResult }
  | { readonly kind: 'shrunk'; readonly result: ShrunkDiscovery }
  | { readonly kind: 'simplified'; readonly result: Scenario }
  | { readonly kind: 'failed'; readonly problems: readonly Problem[] };

/** How a job has ended. */
export interface JobEnd {
  /** What ended: `a process of the campaign (SIGKILL)`. */
  readonly what: string;
  /** The error that ended it; left out where it ended by itself, or was killed. */
  readonly error?: unknown;
  /** Whether a signal ended it. */
  readonly wasKilled: boolean;
}

/** The line to a job that runs elsewhere. */
export interface JobLine {
  say(word: WordToJob): void;
  onWord(listener: (word: WordFromJob) => void): void;
  /** @param listener told once, when the job has ended and can answer no more. */
  onEnd(listener: (end: JobEnd) => void): void;
  /** Ends a job that has not ended by itself. */
  kill(): void;
}

/**
 * The memory in which V8 makes new objects, of each thread. The default is several times as much, and not faster: nearly all
 * objects of a case are dead when the next one begins.
 */
const YOUNG_MEGABYTES = 24;

/** Starts a job in a thread of this process. */
export function threadLine(file: URL): JobLine {
  const worker = new Worker(file, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES } });
  let failure: unknown;
  worker.on('error', (error) => (failure = error));
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    say: (word) => worker.postMessage(word),
    onWord: (listener) => void worker.on('message', listener),
    onEnd: (listener) =>
      void worker.once('exit', () =>
        listener({ what: 'a thread of the campaign', error: failure, wasKilled: false }),
      ),
    kill: () => void worker.terminate(),
  };
}

/** Starts a job in a process of its own. */
export function processLine(file: URL): JobLine {
  // As between threads, the messages may hold maps and big integers.
  const child = fork(fileURLToPath(file), { serialization: 'advanced', execArgv: [] });
  let failure: unknown;
  let hasEnded = false;
  let listen: ((end: JobEnd) => void) | undefined;
  const end = (code: number | null, signal: NodeJS.Signals | null): void => {
    if (hasEnded) return;
    hasEnded = true;
    const how = signal ?? code;
    const what = `a process of the campaign${how === null ? '' : ` (${how})`}`;
    listen?.({ what, error: failure, wasKilled: signal !== null });
  };
  // After a failed start there is no exit.
  const fail = (error: unknown): void => {
    failure ??= error;
    child.kill('SIGKILL');
    end(null, null);
  };
  child.on('error', fail).once('exit', end);
  // A process that cannot be spoken to is of no use. Most have ended already, and their exit says why.
  const giveUp = (): void => void child.kill('SIGKILL');
  return {
    say: (word) => {
      if (child.connected) child.send(word, (error) => void (error !== null && giveUp()));
    },
    onWord: (listener) => void child.on('message', (word) => listener(word as WordFromJob)),
    onEnd: (listener) => void (listen = listener),
    kill: () => void child.kill('SIGKILL'),
  };
}
