import { workerData } from 'node:worker_threads';
import { requireRevision } from '../model/index.ts';
import { setTerminalWidth } from '../report/index.ts';
import type { Trace } from '../trace/index.ts';
import type { PatchThreadData, WordFromThread, WordToThread } from './patch-thread.ts';
import { openPatchedRunner } from './patched-runner.ts';
import { problemsOf } from './unexpected-error.ts';
import { reportOnSides, type ValidateReport } from './validate-report.ts';

/** The thread in which a patch is loaded and run. See patch-thread.ts for the messages. */

const data = workerData as PatchThreadData;
const { file, validate, columns } = data.order;
// A patch can import `workerData`, too, and who has the port can answer in the name of the judge.
const port = data.port!;
delete data.port;
const post = port.postMessage.bind(port);
setTerminalWidth(columns);
const say = (word: WordFromThread<ValidateReport | Trace>): void =>
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  post(word);
const listen = (hear: (word: WordToThread) => void): void => void port.on('message', hear);
setInterval(() => say({ kind: 'alive' }), 1000);

if (validate === undefined) runScenarios();
else await judge(validate);

async function judge(options: NonNullable<typeof validate>): Promise<void> {
  const controller = new AbortController();
  listen(() => controller.abort());
  await answer(() =>
    reportOnSides(file, options, {
      signal: controller.signal,
      emit: (event) => say({ kind: 'event', event }),
      onProgress: (line) => say({ kind: 'progress', line }),
    }),
  );
}

function runScenarios(): void {
  let runner: ReturnType<typeof openPatchedRunner> | undefined;
  listen((word) => {
    if (word.kind !== 'run') return;
    void answer(async () => {
      runner ??= openPatchedRunner(file);
      return withoutChanges(await runner.run(word.scenario, requireRevision(word.revision, '--patch')));
    });
  });
}

/** The trace without what only its own thread can use: the other thread compares whole states. */
const withoutChanges = (trace: Trace): Trace => ({
  ...trace,
  steps: trace.steps.map(({ operation, events, state }) => ({ operation, events, state })),
});

async function answer(act: () => Promise<ValidateReport | Trace>): Promise<void> {
  try {
    say({ kind: 'answer', answer: await act() });
  } catch (error) {
    say({ kind: 'failed', problems: problemsOf(error) });
  }
}
