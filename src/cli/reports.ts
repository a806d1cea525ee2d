import { InvalidInput, prefixProblems, type Problem } from '../input/index.ts';
import {
  DOCUMENTS,
  ReportCollector,
  VERDICTS,
  eventLine,
  reportToJson,
  type EmitReportEvent,
  type Report,
  type ReportEvent,
  type ReportOrder,
  type ReportTimes,
  type ReportingCommand,
} from '../readers/index.ts';
import { toJsonText } from '../scenario/index.ts';
import { ciOrders, tellCi } from './ci.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { withInterrupt } from './interrupt.ts';
import { openNamedFile, requireWritable, writeNamedFile } from './named-file.ts';
import { VERSION } from './package.ts';
import { printProblems } from './print-problems.ts';
import type { ReportOptions } from './report-option.ts';
import { problemsOf } from './unexpected-error.ts';

/** What a command is told, and whom it tells, while its events are reported. */
export interface ReportHooks {
  /** The user wants the command to end. */
  readonly signal: AbortSignal;
  readonly emit: EmitReportEvent;
  readonly raise: RaiseExitCode;
}

/**
 * Does the work of a command, and writes the reports that the user and the CI ask for: also after an error and after an
 * interrupt. With `--json` or `--mail` the report is printed.
 *
 * @throws what `act` throws, after the reports are written.
 * @throws InvalidInput before `act` where a report cannot be written.
 */
export const withReports = (
  command: ReportingCommand,
  options: ReportOptions,
  raiseExitCode: RaiseExitCode,
  act: (hooks: ReportHooks) => Promise<void>,
): Promise<void> =>
  withInterrupt((signal) =>
    reportWhile(command, options, raiseExitCode, (emit, raise) => act({ signal, emit, raise })),
  );

async function reportWhile(
  command: ReportingCommand,
  { report = [], json, mail }: ReportOptions,
  raiseExitCode: RaiseExitCode,
  act: (emit: EmitReportEvent, raise: RaiseExitCode) => Promise<void>,
): Promise<void> {
  const orders = [...report, ...ciOrders(report)];
  for (const { file } of orders) prefixProblems('--report', () => requireWritable(file));
  const collector = new ReportCollector();
  // Documents name files as the user sees them. Asked for only where it is needed: the folder may have been deleted.
  const folder = mail || orders.length > 0 ? process.cwd() : '';
  const begin = new Date();
  const lines = await Promise.all(
    orders.filter(({ format }) => format === 'ndjson').map(({ file }) => openNamedFile(file)),
  );
  const emit = (event: ReportEvent): void => {
    collector.add(event);
    for (const line of lines) line.write(eventLine(event, new Date()));
  };
  let code: ExitCode = ExitCode.HOLDS;
  const raise: RaiseExitCode = (result) => {
    code = Math.max(code, result) as ExitCode;
    raiseExitCode(result);
  };
  emit({ type: 'opened', command, version: VERSION });
  try {
    await act(emit, raise);
  } catch (error) {
    raise(ExitCode.COULD_NOT_RUN);
    for (const problem of problemsOf(error)) emit({ type: 'problem', problem });
    throw error;
  } finally {
    emit({ type: 'finished', verdict: VERDICTS[code] });
    const { report: collected } = collector;
    const times = { begin, duration: (Date.now() - begin.getTime()) / 1000 };
    const writes = [
      ...lines.map((line) => () => line.close()),
      ...orders.map((order) => () => write(order, collected, { times, folder })),
    ];
    const problems: Problem[] = [];
    for (const act of writes) problems.push(...(await problemsWhile(act)));
    if (json) process.stdout.write(toJsonText(reportToJson(collected)));
    if (mail) process.stdout.write(DOCUMENTS.mail(collected, times, folder));
    tellCi(collected);
    printProblems(problems);
    if (problems.length > 0) raise(ExitCode.COULD_NOT_RUN);
  }
}

/** Writes a document; lines of events are written already. @throws InvalidInput */
async function write(
  { format, file }: ReportOrder,
  report: Report,
  { times, folder }: { readonly times: ReportTimes; readonly folder: string },
): Promise<void> {
  if (format !== 'ndjson') await writeNamedFile(file, DOCUMENTS[format](report, times, folder));
}

/** @returns why a report could not be written. */
async function problemsWhile(act: () => void | Promise<void>): Promise<readonly Problem[]> {
  try {
    await act();
    return [];
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return error.problems;
  }
}
