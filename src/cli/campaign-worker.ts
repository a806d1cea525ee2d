import { parentPort } from 'node:worker_threads';
import {
  CampaignWork,
  openCampaignTarget,
  type CampaignTarget,
  type CampaignWorkOrder,
} from './campaign-work.ts';
import type { WordFromJob, WordToJob } from './job-line.ts';
import { problemsOf } from './unexpected-error.ts';
import { usePlugins } from './use-plugins.ts';

/** A job of a campaign: a thread, or a process. It works on one order at a time; job-line.ts has the messages. */

const controller = new AbortController();
const say = (word: WordFromJob): void => {
  if (parentPort === null) process.send?.(word);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  else parentPort.postMessage(word);
};

/** The target is opened when the first order needs it; every order then hears why it could not be opened. */
let opening: Promise<{ readonly work: CampaignWork; readonly opened: CampaignTarget }> | undefined;

async function begin(order: CampaignWorkOrder) {
  // A job has modules of its own: it does not see the invariants that the campaign has loaded.
  if (order.plugins.length > 0) await usePlugins(order.plugins);
  const opened = await openCampaignTarget(order);
  return { opened, work: new CampaignWork(order, opened, controller.signal) };
}

async function answer(word: Extract<WordToJob, { kind: 'run' | 'shrink' | 'simplify' }>): Promise<void> {
  try {
    const { work } = await opening!;
    if (word.kind === 'shrink') say({ kind: 'shrunk', result: await work.shrink(word.discovery) });
    else if (word.kind === 'simplify') say({ kind: 'simplified', result: await work.shrinkKept(word.kept) });
    else {
      const tell = (discovery: Parameters<typeof work.shrink>[0]): void =>
        say({ kind: 'discovery', discovery });
      say({ kind: 'block', result: await work.runBlock(word.order, tell) });
    }
  } catch (error) {
    say({ kind: 'failed', problems: problemsOf(error) });
  }
}

/** Ends the job. The order that it works on gets no answer: the campaign has closed its jobs. */
async function close(): Promise<void> {
  controller.abort();
  try {
    await (await opening)?.opened.target.close();
  } catch {
    // A target that could not be opened has nothing to close.
  }
  // Of a thread this ends the thread alone. A plugin may have left a timer, which would keep the job alive.
  process.exit();
}

function hear(word: WordToJob): void {
  switch (word.kind) {
    case 'begin':
      opening = begin(word.order);
      // Each order awaits it, and there may be none.
      opening.catch(() => undefined);
      return;
    case 'interrupt':
      return controller.abort();
    case 'close':
      return void close();
    default:
      void answer(word);
  }
}

if (parentPort === null) {
  // A signal to the group, as of Ctrl-C, reaches the campaign as well, which then says what its jobs have to do.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.on('message', hear);
  // The campaign was killed.
  process.on('disconnect', () => void close());
} else parentPort.on('message', hear);
