import { setTimeout as delay } from 'node:timers/promises';
import {
  sumOf,
  type BlockOrder,
  type BlockResult,
  type Discovery,
  type KeptScenario,
  type ShrunkDiscovery,
  type Workers,
} from '../campaign/index.ts';
import { InvalidInput } from '../input/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { CampaignWork, type CampaignTarget, type CampaignWorkOrder } from './campaign-work.ts';
import { tooFewFiles } from './last-net.ts';
import {
  processLine,
  threadLine,
  type JobEnd,
  type JobLine,
  type WordFromJob,
  type WordToJob,
} from './job-line.ts';
import { threadFile } from './thread-file.ts';

/** Workers that the caller closes. */
export interface ClosableWorkers extends Workers {
  close(): Promise<void>;
}

/**
 * Starts the workers of a campaign. One works in this thread. More work in threads of their own on the model, and in
 * processes of their own on a real QEMU: each serves devices, which the event loop of one process does for one QEMU.
 *
 * @param opened what a worker in this thread searches. The caller closes it.
 * @param signal ends the campaign.
 * @throws InvalidInput where this process may open too few files for so many jobs.
 */
export function startWorkers(
  jobs: number,
  order: CampaignWorkOrder,
  opened: CampaignTarget,
  signal: AbortSignal,
): ClosableWorkers {
  const file = jobs > 1 ? threadFile('campaign-worker') : undefined;
  if (file === undefined) return inThisThread(new CampaignWork(order, opened, signal));
  // Processes open files of their own.
  const few = order.target === 'model' ? tooFewFiles(jobs) : undefined;
  if (few !== undefined) throw new InvalidInput([{ path: '--jobs', message: few }]);
  const start = order.target === 'model' ? threadLine : processLine;
  return new CampaignJobs(Array.from({ length: jobs }, () => new CampaignJob(start(file), order, signal)));
}

function inThisThread(work: CampaignWork): ClosableWorkers {
  // One order at a time: a block that shares the thread with another would end later, not sooner.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = last.then(act);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    jobs: 1,
    runBlock: (block, onDiscovery) => inTurn(() => work.runBlock(block, onDiscovery)),
    shrink: (discovery) => inTurn(() => work.shrink(discovery)),
    shrinkKept: (kept) => inTurn(() => work.shrinkKept(kept)),
    close: () => Promise.resolve(),
  };
}

/** Several jobs; each order goes to the first that is free. */
class CampaignJobs implements ClosableWorkers {
  readonly jobs: number;
  readonly #all: readonly CampaignJob[];
  readonly #free: CampaignJob[];
  readonly #waiting: ((job: CampaignJob) => void)[] = [];

  constructor(all: readonly CampaignJob[]) {
    this.jobs = all.length;
    this.#all = all;
    this.#free = [...all];
  }

  runBlock(order: BlockOrder, onDiscovery: (discovery: Discovery) => void): Promise<BlockResult> {
    return this.#withJob((job) => job.runBlock(order, onDiscovery));
  }

  shrink(discovery: Discovery): Promise<ShrunkDiscovery> {
    return this.#withJob((job) => job.shrink(discovery));
  }

  shrinkKept(kept: KeptScenario): Promise<Scenario> {
    return this.#withJob((job) => job.shrinkKept(kept));
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((job) => job.close()));
  }

  async #withJob<T>(act: (job: CampaignJob) => Promise<T>): Promise<T> {
    const job =
      this.#free.pop() ?? (await new Promise<CampaignJob>((resolve) => this.#waiting.push(resolve)));
    try {
      return await act(job);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(job);
      else next(job);
    }
  }
}

/** The error of a job that has ended by itself, or was killed. */
function endOf({ plugins }: CampaignWorkOrder, { what, wasKilled }: JobEnd): Error {
  if (wasKilled)
    return new InvalidInput([{ path: '', message: `${what} was killed; the same command goes on` }]);
  if (plugins.length === 0) return new Error(`${what} has ended`);
  const message = `a plugin ends ${what}, as by process.exit: the campaign cannot go on`;
  return new InvalidInput([{ path: plugins.join(', '), message }]);
}

const SIGNAL_MS = 100;
/** How many milliseconds a job has to close its target: a QEMU that hangs is killed before. */
const CLOSE_DEADLINE_MS = 10_000;

/** One job, which works on one order at a time. */
class CampaignJob {
  readonly #line: JobLine;
  readonly #signal: AbortSignal;
  readonly #end: Promise<void>;
  #failure: { readonly reason: unknown } | undefined;
  /** Gets the words of the job, or why there will be none. */
  #listener: { hear(word: WordFromJob): void; fail(reason: unknown): void } | undefined;

  constructor(line: JobLine, order: CampaignWorkOrder, signal: AbortSignal) {
    this.#line = line;
    this.#signal = signal;
    this.#end = new Promise((resolve) => {
      line.onEnd((how) => {
        const reason = how.error ?? endOf(order, how);
        this.#failure ??= { reason };
        this.#listener?.fail(reason);
        resolve();
      });
    });
    line.onWord((word) => this.#listener?.hear(word));
    line.say({ kind: 'begin', order });
    const interrupt = (): void => line.say({ kind: 'interrupt' });
    if (signal.aborted) interrupt();
    else signal.addEventListener('abort', interrupt, { once: true });
  }

  async runBlock(order: BlockOrder, onDiscovery: (discovery: Discovery) => void): Promise<BlockResult> {
    const word = await this.#ask({ kind: 'run', order }, onDiscovery);
    if (word?.kind === 'block') return word.result;
    return { number: order.number, isComplete: false, tally: sumOf([]), discoveries: [], kept: [] };
  }

  async shrink(discovery: Discovery): Promise<ShrunkDiscovery> {
    const word = await this.#ask({ kind: 'shrink', discovery }, () => undefined);
    return word?.kind === 'shrunk' ? word.result : { discovery, steps: 0, isSmallest: false, nearMisses: [] };
  }

  async shrinkKept(kept: KeptScenario): Promise<Scenario> {
    const word = await this.#ask({ kind: 'simplify', kept }, () => undefined);
    return word?.kind === 'simplified' ? word.result : kept.scenario;
  }

  #isEndedBy(reason: unknown): boolean {
    return this.#failure?.reason === reason;
  }

  async close(): Promise<void> {
    this.#line.say({ kind: 'close' });
    const deadline = setTimeout(() => this.#line.kill(), CLOSE_DEADLINE_MS);
    await this.#end;
    clearTimeout(deadline);
  }

  /**
   * @returns the answer; `undefined` from a job that ends or fails after the interrupt: one that is still starting gets the
   *   signal of the campaign, too.
   */
  async #ask(
    question: WordToJob,
    onDiscovery: (discovery: Discovery) => void,
  ): Promise<WordFromJob | undefined> {
    if (this.#failure !== undefined) {
      if (this.#signal.aborted) return undefined;
      throw this.#failure.reason;
    }
    try {
      return await new Promise<WordFromJob | undefined>((resolve, reject) => {
        const hear = (word: WordFromJob): void => {
          try {
            if (word.kind === 'discovery') return onDiscovery(word.discovery);
          } catch (error) {
            // The finding could not be stored.
            return reject(error as Error);
          }
          if (word.kind !== 'failed') return resolve(word);
          // The signal of the interrupt also ends what a job starts to look at QEMU.
          if (this.#signal.aborted) return resolve(undefined);
          reject(new InvalidInput(word.problems));
        };
        this.#listener = { hear, fail: reject };
        this.#line.say(question);
      });
    } catch (error) {
      // The signal that has ended a job may reach the campaign a moment later.
      if (this.#isEndedBy(error)) await delay(SIGNAL_MS);
      if (this.#signal.aborted && this.#isEndedBy(error)) return undefined;
      throw error;
    } finally {
      this.#listener = undefined;
    }
  }
}
