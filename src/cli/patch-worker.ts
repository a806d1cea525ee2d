import { workerData } from 'node:worker_threads';
import { requireRevision } from '../model/index.ts';
import { setTerminalWidth } from '../report/index.ts';
import type { Trace } from '../trace/index.ts';
import { BuiltIns, replacesBuiltIn } from '../validate/index.ts';
import type { PatchThreadData, WordFromThread, WordToThread } from './patch-thread.ts';
import { openPatchedRunner } from './patched-runner.ts';
import { problemsOf } from './unexpected-error.ts';
import { reportOnSides, type ValidateReport } from './validate-report.ts';

/** The thread in which a patch is loaded and run. See patch-thread.ts for the messages. */

const data = workerData as PatchThreadData;
const { file, validate, columns } = data.order;
// A patch can import `workerData`, too, and Node shows it the port. Who has the key can answer in the name of the judge.
const port = data.port!;
const key = data.key!;
delete data.port;
delete data.key;
const post = port.postMessage.bind(port);
setTerminalWidth(columns);
const say = (word: WordFromThread<ValidateReport | Trace>): void =>
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  post({ key, word });
const listen = (hear: (word: WordToThread) => void): void => void port.on('message', hear);
// The words of the judge are made by the built-ins that the patch could replace.
const builtIns = new BuiltIns();
setInterval(() => {
  if (!saysReplaced()) say({ kind: 'alive' });
}, 1000);

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
    const answer = await act();
    if (!saysReplaced()) say({ kind: 'answer', answer });
  } catch (error) {
    if (!saysReplaced()) say({ kind: 'failed', problems: problemsOf(error) });
  }
}

/** Says that the patch has replaced a built-in, if it has: what the judge has found since then is worth nothing. */
function saysReplaced(): boolean {
  const replaced = builtIns.restore();
  if (replaced === undefined) return false;
  say({
    kind: 'failed',
    problems: [{ path: file, message: replacesBuiltIn(replaced) }],
  });
  return true;
}
