import { parentPort, workerData } from 'node:worker_threads';
import type { PatchOrder, WordFromThread } from './patch-thread.ts';
import { problemsOf } from './unexpected-error.ts';
import { reportOnSides } from './validate-report.ts';

/** The thread in which a patch is loaded and judged. See patch-thread.ts for the messages. */

const { file, options } = workerData as PatchOrder;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
const say = (word: WordFromThread): void => parentPort!.postMessage(word);
const controller = new AbortController();
// The only message to this thread: the user has interrupted the command.
parentPort!.once('message', () => controller.abort());
setInterval(() => say({ kind: 'alive' }), 1000);

try {
  const report = await reportOnSides(file, options, {
    signal: controller.signal,
    onProgress: (line) => say({ kind: 'progress', line }),
  });
  say({ kind: 'report', report });
} catch (error) {
  say({ kind: 'failed', problems: problemsOf(error) });
}
