import { Command } from 'commander';
import { RegressionStore, checkTarget } from '../campaign/index.ts';
import { consoleReport } from '../report/index.ts';
import { InvalidInput } from '../input/index.ts';
import { requireRevision, type AnyRevision } from '../model/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { examples } from './examples.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { withInterrupt } from './interrupt.ts';
import { invariantId, seedText, wholeNumber } from './option-values.ts';
import { VERSION } from './package.ts';
import type { CheckCommandOptions } from './check-command-options.ts';
import { checkAgain, replayFinding } from './repeat-commands.ts';
import { shippedRegressions } from './shipped-regressions.ts';
import { addTargetOptions, openSearchSpace } from './target-options.ts';
import { terminalProgress } from './terminal-progress.ts';

const DEFAULT_RUNS = { model: 20_000, qemu: 500 } as const;
/** On a real QEMU a finding may depend on timing, so its case is repeated; runs are slow, so shrinking has one start. */
const CONFIRMATION = { model: {}, qemu: { repetitions: 10, starts: 1 } } as const;

/** `barproof check`: replays the stored cases, searches, and shrinks and stores what it finds. */
export const checkCommand = (raiseExitCode: RaiseExitCode): Command =>
  addTargetOptions(new Command('check'))
    .description('search for scenarios that break an invariant')
    .addHelpText(
      'before',
      examples([
        ['barproof check', 'check the newest QEMU with 20000 cases'],
        ['barproof check --seed nightly --runs 200000', 'check 200000 other cases'],
        ['barproof check --revision seed-v2 --no-save', 'check the seed patch, and store nothing'],
        [
          'barproof check --target qemu --qemu ~/qemu/build',
          'check a real QEMU; barproof serves the devices',
        ],
      ]),
    )
    .option('--seed <text>', 'the same seed gives the same cases', seedText, 'barproof')
    .option(
      '--runs <number>',
      `number of generated cases; default: ${DEFAULT_RUNS.model}, or ${DEFAULT_RUNS.qemu} on a real QEMU`,
      wholeNumber,
    )
    .option('--revision <id>', 'the revision to check', NEWEST.id)
    .option('--invariant <id>', 'check only this invariant', invariantId)
    .option('--strict', 'count known findings as counterexamples')
    .option('--no-save', 'store no new regression files')
    .option('--regressions <folder>', 'folder of regression files', 'regressions')
    .action((options: CheckCommandOptions) =>
      withInterrupt(async (signal) => {
        const revision = revisionOf(options);
        const runs = options.runs ?? DEFAULT_RUNS[options.target];
        const store = new RegressionStore(options.regressions);
        const stored = store.load();
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
          command: checkAgain({ ...options, runs }),
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
        if (!summary.holds) raiseExitCode(ExitCode.COUNTEREXAMPLE);
        // Cases that were not run might break an invariant.
        else if (summary.cases < runs) raiseExitCode(ExitCode.COULD_NOT_RUN);
      }),
    );

/** The revision to check. @throws InvalidInput when it does not exist or cannot be combined with the target. */
function revisionOf({ revision: id, target }: CheckCommandOptions): AnyRevision {
  const revision = requireRevision(id, '--revision');
  if (target === 'model' || revision.id === NEWEST.id) return revision;
  const message = `a real QEMU is always checked as ${NEWEST.id}; leave out --revision with --target qemu`;
  throw new InvalidInput([{ path: '--revision', message }]);
}
