import { isAbsolute, join } from 'node:path';
import { RegressionStore, checkTarget, ranCases, type Finding } from '../campaign/index.ts';
import { checkEvents } from '../readers/index.ts';
import { consoleReport, fittedText } from '../report/index.ts';
import { printable } from '../input/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { DEFAULT_CHECK_RUNS, type CheckCommandOptions } from './check-command-options.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { inlineLess } from './inline-less.ts';
import { openSearchSpace, searchedRevision } from './open-target.ts';
import { VERSION } from './package.ts';
import { printProblems } from './print-problems.ts';
import { checkAgain, replayFinding } from './repeat-commands.ts';
import { refuseOptions } from './refuse-options.ts';
import { requireInvariant } from './require-invariant.ts';
import { requireStore } from './require-store.ts';
import { withReports, type ReportHooks } from './reports.ts';
import { shippedRegressions, storedCases } from './shipped-regressions.ts';
import { usePlugins } from './use-plugins.ts';
import { terminalProgress } from './terminal-progress.ts';

/** On a real QEMU a finding may depend on timing, so its case is repeated; runs are slow, so shrinking has one start. */
const CONFIRMATION = { model: {}, qemu: { repetitions: 10, starts: 1 } } as const;

/** Replays the stored cases, searches, and shrinks and stores what it finds. */
export const check = (options: CheckCommandOptions, raiseExitCode: RaiseExitCode): Promise<void> =>
  withReports('check', options, raiseExitCode, (hooks) => search(options, hooks));

async function search(options: CheckCommandOptions, { signal, emit, raise }: ReportHooks): Promise<void> {
  inlineLess();
  refuseOptions(options, ['kernel', 'iommu'], 'expected with --target linux');
  if (options.plugin !== undefined) await usePlugins(options.plugin);
  if (options.invariant !== undefined) requireInvariant(options.invariant);
  const revision = searchedRevision(options);
  const runs = options.runs ?? DEFAULT_CHECK_RUNS[options.target];
  requireStore(options);
  const store = new RegressionStore(options.regressions);
  const stored = storedCases(store, (path) => void process.stderr.write(foreignFile(path)));
  // The cases that come with barproof have absolute paths.
  const pathOf = (file: string): string => (isAbsolute(file) ? file : join(options.regressions, file));
  const { target, scenarios } = await openSearchSpace(options, revision);
  const progress = terminalProgress(process.stderr);
  const again = (finding: Finding, id: string) => replayFinding(options, finding, id);
  const listeners = [
    consoleReport({
      out: (text) => void (options.json || options.mail || process.stdout.write(text)),
      progress,
      keep: progress.keep,
      ...(options.save && { folder: options.regressions }),
      replayCommand: again,
      version: VERSION,
    }),
    checkEvents(emit, (finding, id) => ({
      file: finding.file === undefined ? undefined : pathOf(finding.file),
      again: again(finding, id),
    })),
  ];
  const summary = await checkTarget({
    ...CONFIRMATION[options.target],
    target,
    scenarios,
    revision: revision.id,
    seed: options.seed,
    runs,
    invariant: options.invariant,
    stored,
    // Only findings of the newest QEMU may be marked as known: the real QEMU shows them, too.
    accepted: options.strict || revision.id !== NEWEST.id ? [] : [...shippedRegressions('known'), ...stored],
    store: options.save ? store : undefined,
    command: checkAgain({ ...options, runs }, revision.id),
    version: VERSION,
    date: new Date().toISOString().slice(0, 10),
    signal,
    listener: (event) => {
      for (const listener of listeners) listener(event);
    },
  }).finally(() => target.close());
  printProblems(summary.unsaved);
  if (!summary.holds) raise(ExitCode.COUNTEREXAMPLE);
  // A warning whose case is lost is not what the user asked for, either.
  else if (summary.unsaved.length > 0) raise(ExitCode.COULD_NOT_RUN);
  // Cases that were not run might break an invariant.
  else if (summary.cases < runs || ranCases(summary) === 0) raise(ExitCode.COULD_NOT_RUN);
}

/** Other programs keep files in a folder, too. */
const foreignFile = (path: string): string =>
  fittedText([`note: ${printable(path)} is no stored case: it has no scenario, and is passed over`]);
