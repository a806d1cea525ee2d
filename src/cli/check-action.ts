import { RegressionStore, checkTarget, ranCases } from '../campaign/index.ts';
import { consoleReport } from '../report/index.ts';
import { InvalidInput, printable } from '../input/index.ts';
import { requireRevision, type AnyRevision } from '../model/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { DEFAULT_CHECK_RUNS, type CheckCommandOptions } from './check-command-options.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { inlineLess } from './inline-less.ts';
import { withInterrupt } from './interrupt.ts';
import { openSearchSpace } from './open-target.ts';
import { VERSION } from './package.ts';
import { printProblems } from './print-problems.ts';
import { checkAgain, replayFinding } from './repeat-commands.ts';
import { shippedRegressions } from './shipped-regressions.ts';
import { terminalProgress } from './terminal-progress.ts';

/** On a real QEMU a finding may depend on timing, so its case is repeated; runs are slow, so shrinking has one start. */
const CONFIRMATION = { model: {}, qemu: { repetitions: 10, starts: 1 } } as const;

/** Replays the stored cases, searches, and shrinks and stores what it finds. */
export const check = (options: CheckCommandOptions, raiseExitCode: RaiseExitCode): Promise<void> =>
  withInterrupt(async (signal) => {
    inlineLess();
    const revision = revisionOf(options);
    const runs = options.runs ?? DEFAULT_CHECK_RUNS[options.target];
    const store = new RegressionStore(options.regressions);
    const stored = store.load((path) => void process.stderr.write(foreignFile(path)));
    const { target, scenarios } = await openSearchSpace(options, revision);
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
      accepted:
        options.strict || revision.id !== NEWEST.id ? [] : [...shippedRegressions('known'), ...stored],
      store: options.save ? store : undefined,
      command: checkAgain({ ...options, runs }, revision.id),
      version: VERSION,
      date: new Date().toISOString().slice(0, 10),
      signal,
      listener: consoleReport({
        out: (text) => process.stdout.write(text),
        progress: terminalProgress(process.stderr),
        replayCommand: (finding, id) => replayFinding(options, finding, id),
        version: VERSION,
      }),
    }).finally(() => target.close());
    printProblems(summary.unsaved);
    if (!summary.holds) raiseExitCode(ExitCode.COUNTEREXAMPLE);
    // A warning whose case is lost is not what the user asked for, either.
    else if (summary.unsaved.length > 0) raiseExitCode(ExitCode.COULD_NOT_RUN);
    // Cases that were not run might break an invariant.
    else if (summary.cases < runs || ranCases(summary) === 0) raiseExitCode(ExitCode.COULD_NOT_RUN);
  });

/** Other programs keep files in a folder, too. */
const foreignFile = (path: string): string =>
  `note: ${printable(path)} is no stored case: it has no scenario, and is passed over\n`;

/** The revision to check. @throws InvalidInput when it does not exist or cannot be combined with the target. */
function revisionOf({ revision: id = NEWEST.id, target }: CheckCommandOptions): AnyRevision {
  const revision = requireRevision(id, '--revision');
  if (target === 'model' || revision.id === NEWEST.id) return revision;
  const message = `a real QEMU is always checked as ${NEWEST.id}; leave out --revision with --target qemu`;
  throw new InvalidInput([{ path: '--revision', message }]);
}
