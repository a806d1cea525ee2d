import { Worker } from 'node:worker_threads';
import type {
  BlockOrder,
  BlockResult,
  Discovery,
  KeptScenario,
  ShrunkDiscovery,
  Workers,
} from '../campaign/index.ts';
import { InvalidInput, type Problem } from '../input/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { CampaignWork, type CampaignWorkOrder } from './campaign-work.ts';
import { tooFewFiles } from './last-net.ts';
import { threadFile } from './thread-file.ts';

/** A message to a thread of a campaign. */
export type WordToCampaignThread =
  | { readonly kind: 'run'; readonly order: BlockOrder }
  | { readonly kind: 'shrink'; readonly discovery: Discovery }
  | { readonly kind: 'simplify'; readonly kept: KeptScenario }
  /** The campaign ends: the thread finishes its case, and answers with what it has. */
  | { readonly kind: 'interrupt' };

/** A message from a thread of a campaign. */
export type WordFromCampaignThread =
  /** The first case of a discovery, while the block runs. */
  | { readonly kind: 'discovery'; readonly discovery: Discovery }
  | { readonly kind: 'block'; readonly result: BlockResult }
  | { readonly kind: 'shrunk'; readonly result: ShrunkDiscovery }
  | { readonly kind: 'simplified'; readonly result: Scenario }
  | { readonly kind: 'failed'; readonly problems: readonly Problem[] };

/** Workers that the caller closes. */
export interface ClosableWorkers extends Workers {
  close(): Promise<void>;
}

/**
 * Starts the workers of a campaign: one of them works in this thread, more in threads of their own.
 *
 * @param signal ends the campaign.
 * @throws InvalidInput where this process may open too few files for so many threads.
 */
export function startWorkers(jobs: number, order: CampaignWorkOrder, signal: AbortSignal): ClosableWorkers {
  const file = jobs > 1 ? threadFile('campaign-worker') : undefined;
  if (file === undefined) return inThisThread(order, signal);
  const few = tooFewFiles(jobs);
  if (few !== undefined) throw new InvalidInput([{ path: '--jobs', message: few }]);
  return new CampaignThreads(Array.from({ length: jobs }, () => new CampaignThread(file, order, signal)));
}

function inThisThread(order: CampaignWorkOrder, signal: AbortSignal): ClosableWorkers {
  const work = new CampaignWork(order);
  // One order at a time: a block that shares the thread with another would end later, not sooner.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = last.then(act);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    jobs: 1,
    runBlock: (block, onDiscovery) => inTurn(() => work.runBlock(block, onDiscovery, signal)),
    shrink: (discovery) => inTurn(() => work.shrink(discovery, signal)),
    shrinkKept: (kept) => inTurn(() => work.shrinkKept(kept, signal)),
    close: () => Promise.resolve(),
  };
}

/** Several threads; each order goes to the first that is free. */
class CampaignThreads implements ClosableWorkers {
  readonly jobs: number;
  readonly #all: readonly CampaignThread[];
  readonly #free: CampaignThread[];
  readonly #waiting: ((thread: CampaignThread) => void)[] = [];

  constructor(threads: readonly CampaignThread[]) {
    this.jobs = threads.length;
    this.#all = threads;
    this.#free = [...threads];
  }

  runBlock(order: BlockOrder, onDiscovery: (discovery: Discovery) => void): Promise<BlockResult> {
    return this.#withThread((thread) => thread.runBlock(order, onDiscovery));
  }

  shrink(discovery: Discovery): Promise<ShrunkDiscovery> {
    return this.#withThread((thread) => thread.shrink(discovery));
  }

  shrinkKept(kept: KeptScenario): Promise<Scenario> {
    return this.#withThread((thread) => thread.shrinkKept(kept));
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((thread) => thread.close()));
  }

  async #withThread<T>(act: (thread: CampaignThread) => Promise<T>): Promise<T> {
    const thread =
      this.#free.pop() ?? (await new Promise<CampaignThread>((resolve) => this.#waiting.push(resolve)));
    try {
      return await act(thread);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(thread);
      else next(thread);
    }
  }
}

const endOf = ({ plugins }: CampaignWorkOrder): Error =>
  plugins.length === 0
    ? new Error('a thread of the campaign has ended')
    : new InvalidInput([
        {
          path: plugins.join(', '),
          message: 'a plugin ends its thread, as by process.exit: the campaign cannot go on',
        },
      ]);

/** One thread, which works on one order at a time. */
class CampaignThread {
  readonly #worker: Worker;
  #failure: unknown;

  constructor(file: URL, order: CampaignWorkOrder, signal: AbortSignal) {
    this.#worker = new Worker(file, { workerData: order });
    this.#worker.on('error', (error) => (this.#failure ??= error));
    this.#worker.once('exit', () => (this.#failure ??= endOf(order)));
    const interrupt = (): void => this.#say({ kind: 'interrupt' });
    if (signal.aborted) interrupt();
    else signal.addEventListener('abort', interrupt, { once: true });
  }

  async runBlock(order: BlockOrder, onDiscovery: (discovery: Discovery) => void): Promise<BlockResult> {
    const word = await this.#ask({ kind: 'run', order }, onDiscovery);
    return (word as Extract<WordFromCampaignThread, { kind: 'block' }>).result;
  }

  async shrink(discovery: Discovery): Promise<ShrunkDiscovery> {
    const word = await this.#ask({ kind: 'shrink', discovery }, () => undefined);
    return (word as Extract<WordFromCampaignThread, { kind: 'shrunk' }>).result;
  }

  async shrinkKept(kept: KeptScenario): Promise<Scenario> {
    const word = await this.#ask({ kind: 'simplify', kept }, () => undefined);
    return (word as Extract<WordFromCampaignThread, { kind: 'simplified' }>).result;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(
    question: WordToCampaignThread,
    onDiscovery: (discovery: Discovery) => void,
  ): Promise<WordFromCampaignThread> {
    const worker = this.#worker;
    return new Promise<WordFromCampaignThread>((resolve, reject) => {
      const stop = (): void => void worker.off('message', onMessage).off('exit', onExit);
      const fail = (error: unknown): void => {
        stop();
        reject(error as Error);
      };
      const onExit = (): void => fail(this.#failure);
      const onMessage = (word: WordFromCampaignThread): void => {
        try {
          if (word.kind === 'discovery') return onDiscovery(word.discovery);
        } catch (error) {
          // The finding could not be stored.
          return fail(error);
        }
        if (word.kind === 'failed') return fail(new InvalidInput(word.problems));
        stop();
        resolve(word);
      };
      if (this.#failure !== undefined) return fail(this.#failure);
      worker.on('message', onMessage).on('exit', onExit);
      this.#say(question);
    });
  }

  #say(word: WordToCampaignThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#worker.postMessage(word);
  }
}
