import { fileURLToPath } from 'node:url';
import { relative } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { scenarios } from '../../generators/index.ts';
import { RegressionStore, check } from '../campaign/index.ts';
import { INVARIANTS, INVARIANT_IDS, findInvariant, type InvariantId } from '../invariants/index.ts';
import { consoleReport } from '../report/index.ts';
import { runOnModel } from '../target/model/model-target.ts';
import { NEWEST } from '../vfio/index.ts';
import type { Conclude } from './command-line.ts';
import { ExitCode } from './exit-code.ts';
import { revisionOf } from './load-scenario.ts';
import { packageRoot } from './package-root.ts';
import { terminalProgress } from './terminal-progress.ts';
import { VERSION } from './version.ts';

interface CheckCommandOptions {
  readonly seed: string;
  readonly runs: number;
  readonly revision: string;
  readonly invariant?: InvariantId;
  readonly strict?: true;
  readonly save: boolean;
  readonly regressions: string;
}

const DEFAULT_RUNS = 20_000;

/** `barproof check`: replays what is stored, searches, shrinks and keeps what it finds. */
export const checkCommand = (conclude: Conclude): Command =>
  new Command('check')
    .description('search for scenarios that break an invariant')
    .option('--seed <text>', 'the same seed gives the same cases', 'barproof')
    .option('--runs <number>', 'how many generated cases', wholeNumber, DEFAULT_RUNS)
    .option('--revision <id>', 'the revision to check', NEWEST.id)
    .option('--invariant <id>', 'check this one alone', invariantId)
    .option('--strict', 'known findings count, too')
    .option('--no-save', 'keep no new regression files')
    .option('--regressions <folder>', 'where regression files are', 'regressions')
    .action((options: CheckCommandOptions) => {
      const revision = revisionOf(options.revision);
      const invariants = options.invariant === undefined ? INVARIANTS : [findInvariant(options.invariant)];
      const store = new RegressionStore(options.regressions);
      const stored = store.load();
      // Only the newest revision has findings that are accepted: they are the real program's own.
      const own = new RegressionStore(fileURLToPath(new URL('regressions/known', packageRoot())));
      const known =
        revision.id === NEWEST.id ? own.load().filter(({ regression }) => regression.status === 'known') : [];
      const summary = check({
        plan: {
          target: 'model',
          revision: revision.id,
          seed: options.seed,
          runs: options.runs,
          invariants: invariants.map(({ id }) => id),
        },
        run: (scenario) => runOnModel(scenario, revision),
        scenarios: scenarios({ revision: revision.id, iommuTypes: revision.iommus }),
        invariants,
        regressions: stored,
        known,
        strict: options.strict ?? false,
        store: options.save ? store : undefined,
        version: VERSION,
        date: new Date().toISOString().slice(0, 10),
        listener: consoleReport({
          out: (text) => process.stdout.write(text),
          progress: terminalProgress(process.stderr),
          replayCommand: (file) => `barproof replay ${relative('.', `${options.regressions}/${file}`)}`,
        }),
      });
      conclude(summary.holds ? ExitCode.HOLDS : ExitCode.COUNTEREXAMPLE);
    });

function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 1_000_000_000) return number;
  throw new InvalidArgumentError('expected a whole number up to 1000000000.');
}

function invariantId(text: string): InvariantId {
  if ((INVARIANT_IDS as readonly string[]).includes(text)) return text as InvariantId;
  throw new InvalidArgumentError('barproof list invariants shows them.');
}
