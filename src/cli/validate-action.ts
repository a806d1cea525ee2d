import { standardInputText } from '../input/index.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { inlineLess } from './inline-less.ts';
import { PatchThread, hasPatchThread } from './patch-thread.ts';
import { cChangeOf, readCChange, type CChange } from './patch-source.ts';
import { requireStore } from './require-store.ts';
import { withReports } from './reports.ts';
import { terminalColumns } from './terminal-columns.ts';
import { BUILD_PAUSE_MS, terminalProgress } from './terminal-progress.ts';
import type { ValidateCommandOptions } from './validate-command-options.ts';
import type { ValidateReport, reportOnSides } from './validate-report.ts';

/** Judges a patch file, or a pair of QEMU builds if there is no file, and prints the verdict. */
export const validate = (
  file: string | undefined,
  options: ValidateCommandOptions,
  raiseExitCode: RaiseExitCode,
): Promise<void> =>
  // `--json` of this command has a form of its own.
  withReports('validate', { ...options, json: undefined }, raiseExitCode, async ({ signal, emit, raise }) => {
    inlineLess();
    requireStore(options);
    const progress = terminalProgress(process.stderr, Date.now, BUILD_PAUSE_MS);
    const hooks = { signal, emit, onProgress: progress };
    const change = await changeOf(file, options, signal);
    const reporting =
      file !== undefined && hasPatchThread() && change === undefined
        ? judgeInThread(file, options, hooks)
        : judgeHere(file, { ...options, change }, hooks);
    const { out, err, code } = await reporting.finally(() => progress(''));
    process.stderr.write(err);
    if (!options.mail) process.stdout.write(out);
    raise(code);
  });

/** A patch in C on standard input comes from a mail program: `validate - --qemu-tree qemu`. */
const STANDARD_INPUT = '-';

async function changeOf(
  file: string | undefined,
  options: ValidateCommandOptions,
  signal: AbortSignal,
): Promise<CChange | undefined> {
  if (file === undefined) return undefined;
  return file === STANDARD_INPUT
    ? cChangeOf('standard input', await standardInputText(signal))
    : readCChange(file, options);
}

async function judgeInThread(
  file: string,
  options: ValidateCommandOptions,
  hooks: Parameters<typeof reportOnSides>[2],
): Promise<ValidateReport> {
  const order = { file, validate: options, columns: terminalColumns() };
  const thread = new PatchThread<ValidateReport>(order, (text) => process.stderr.write(text));
  return thread.answer(hooks).finally(() => thread.close());
}

/** Judges in this thread: only then does the thread load the model. */
const judgeHere: typeof reportOnSides = async (...order) => {
  const report = await import('./validate-report.ts');
  return report.reportOnSides(...order);
};
