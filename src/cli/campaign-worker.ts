import { parentPort, workerData } from 'node:worker_threads';
import type { WordFromCampaignThread, WordToCampaignThread } from './campaign-threads.ts';
import { CampaignWork, type CampaignWorkOrder } from './campaign-work.ts';
import { problemsOf } from './unexpected-error.ts';
import { usePlugins } from './use-plugins.ts';

/** A thread that runs blocks of a campaign, one at a time. See campaign-threads.ts for the messages. */

const order = workerData as CampaignWorkOrder;
// A thread has modules of its own: it does not see the invariants that the main thread has loaded.
if (order.plugins.length > 0) await usePlugins(order.plugins);
const work = new CampaignWork(order);
const controller = new AbortController();
const say = (word: WordFromCampaignThread): void =>
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(word);

parentPort!.on('message', (word: WordToCampaignThread) => {
  if (word.kind === 'interrupt') controller.abort();
  else void answer(word);
});

async function answer(word: Exclude<WordToCampaignThread, { kind: 'interrupt' }>): Promise<void> {
  const { signal } = controller;
  try {
    if (word.kind === 'shrink') {
      say({ kind: 'shrunk', result: await work.shrink(word.discovery, signal) });
    } else if (word.kind === 'simplify') {
      say({ kind: 'simplified', result: await work.shrinkKept(word.kept, signal) });
    } else {
      const tell = (discovery: Parameters<typeof work.shrink>[0]): void =>
        say({ kind: 'discovery', discovery });
      say({ kind: 'block', result: await work.runBlock(word.order, tell, signal) });
    }
  } catch (error) {
    say({ kind: 'failed', problems: problemsOf(error) });
  }
}
