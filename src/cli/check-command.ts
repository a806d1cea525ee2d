import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { scenarios } from '../../generators/index.ts';
import { RegressionStore, check, type Finding, type StoredRegression } from '../campaign/index.ts';
import { INVARIANTS, INVARIANT_IDS, findInvariant, type InvariantId } from '../invariants/index.ts';
import { consoleReport } from '../report/index.ts';
import { nearestTo } from '../scenario/index.ts';
import { runOnModel } from '../target/model/model-target.ts';
import { requireRevision, unsuitable } from '../target/model/require-revision.ts';
import { scopeOf, type AnyRevision } from '../target/model/revisions.ts';
import { NEWEST } from '../vfio/index.ts';
import type { Conclude } from './command-line.ts';
import { examples } from './examples.ts';
import { ExitCode } from './exit-code.ts';
import { withInterrupt } from './interrupt.ts';
import { seedText, wholeNumber } from './option-values.ts';
import { packageRoot } from './package-root.ts';
import { commandText } from './shell.ts';
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
    .addHelpText(
      'before',
      examples([
        ['barproof check', 'the newest QEMU: 20000 cases'],
        ['barproof check --seed nightly --runs 200000', 'other cases, and more of them'],
        ['barproof check --revision seed-v2 --no-save', 'a revision that breaks; nothing is kept'],
      ]),
    )
    .option('--seed <text>', 'the same seed gives the same cases', seedText, 'barproof')
    .option('--runs <number>', 'how many generated cases', wholeNumber, DEFAULT_RUNS)
    .option('--revision <id>', 'the revision to check', NEWEST.id)
    .option('--invariant <id>', 'check this one alone', invariantId)
    .option('--strict', 'known findings count, too')
    .option('--no-save', 'keep no new regression files')
    .option('--regressions <folder>', 'where regression files are', 'regressions')
    .action((options: CheckCommandOptions) =>
      withInterrupt(async (signal) => {
        const revision = requireRevision(options.revision, '--revision');
        const invariants = options.invariant === undefined ? INVARIANTS : [findInvariant(options.invariant)];
        const store = new RegressionStore(options.regressions);
        const stored = store.load();
        const summary = await check({
          plan: {
            target: 'model',
            revision: revision.id,
            seed: options.seed,
            runs: options.runs,
            invariants: invariants.map(({ id }) => id),
            command: commandOf(options),
          },
          run: (scenario) => runOnModel(scenario, revision),
          scenarios: scenarios(scopeOf(revision)),
          invariants,
          // A case for what this revision does not have says nothing about it.
          regressions: stored.filter(
            ({ regression: { scenario } }) => unsuitable(scenario, revision).length === 0,
          ),
          known: options.strict ? [] : knownFindings(revision, stored),
          store: options.save ? store : undefined,
          version: VERSION,
          date: new Date().toISOString().slice(0, 10),
          signal,
          listener: consoleReport({
            out: (text) => process.stdout.write(text),
            progress: terminalProgress(process.stderr),
            replayCommand: (finding, id) => replayCommand(options.regressions, finding, id),
            version: VERSION,
          }),
        });
        if (!summary.holds) conclude(ExitCode.COUNTEREXAMPLE);
        // What was not looked at cannot be said to hold.
        else if (summary.cases < options.runs) conclude(ExitCode.COULD_NOT_RUN);
      }),
    );

/**
 * What the revision is known for. Only the newest has findings that are accepted, for they are the real
 * program's own: those that come with barproof, and those that somebody has looked at and marked.
 */
function knownFindings(
  revision: AnyRevision,
  stored: readonly StoredRegression[],
): readonly StoredRegression[] {
  if (revision.id !== NEWEST.id) return [];
  const own = new RegressionStore(fileURLToPath(new URL('regressions/known', packageRoot()))).load();
  return [...own, ...stored].filter(
    ({ regression }) => regression.status === 'known' && regression.failsOn.includes(revision.id),
  );
}

function commandOf({ revision, seed, runs, invariant, strict }: CheckCommandOptions): string {
  return commandText([
    'barproof',
    'check',
    ...['--revision', revision],
    ...['--seed', seed],
    ...['--runs', String(runs)],
    ...(invariant === undefined ? [] : ['--invariant', invariant]),
    ...(strict ? ['--strict'] : []),
  ]);
}

function replayCommand(folder: string, { file, origin }: Finding, revision: string): string | undefined {
  if (file === undefined) return undefined;
  const isStoredForAnother = origin.kind === 'regression' && origin.stored !== revision;
  return commandText([
    'barproof',
    'replay',
    join(folder, file),
    ...(isStoredForAnother ? ['--revision', revision] : []),
  ]);
}

function invariantId(text: string): InvariantId {
  if ((INVARIANT_IDS as readonly string[]).includes(text)) return text as InvariantId;
  const nearest = nearestTo(text, INVARIANT_IDS);
  throw new InvalidArgumentError(
    nearest === undefined ? 'barproof list invariants shows them.' : `did you mean ${nearest}?`,
  );
}
