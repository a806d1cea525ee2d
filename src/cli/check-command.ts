import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { RegressionStore, check, type Finding, type StoredRegression } from '../campaign/index.ts';
import { INVARIANT_IDS, findInvariant, type Invariant, type InvariantId } from '../invariants/index.ts';
import { consoleReport } from '../report/index.ts';
import { InvalidInput, nearestTo } from '../input/index.ts';
import { requireRevision, type AnyRevision } from '../model/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { examples } from './examples.ts';
import { ExitCode, type Conclude } from './exit-code.ts';
import { withInterrupt } from './interrupt.ts';
import { seedText, wholeNumber } from './option-values.ts';
import { ownRegressions } from './own-regressions.ts';
import { commandText } from './shell.ts';
import { openModel, openQemu, withTarget, type OpenTarget, type TargetOptions } from './targets.ts';
import { terminalProgress } from './terminal-progress.ts';
import { VERSION } from './version.ts';

interface CheckCommandOptions extends TargetOptions {
  readonly seed: string;
  readonly runs?: number;
  readonly revision: string;
  readonly invariant?: InvariantId;
  readonly strict?: true;
  readonly save: boolean;
  readonly regressions: string;
}

const DEFAULT_RUNS = { model: 20_000, qemu: 500 } as const;
/** On a real QEMU what is found may depend on the moment: it has to show again and again. */
const REPETITIONS = 10;

/** `barproof check`: replays what is stored, searches, shrinks and keeps what it finds. */
export const checkCommand = (conclude: Conclude): Command =>
  withTarget(new Command('check'))
    .description('search for scenarios that break an invariant')
    .addHelpText(
      'before',
      examples([
        ['barproof check', 'the newest QEMU: 20000 cases'],
        ['barproof check --seed nightly --runs 200000', 'other cases, and more of them'],
        ['barproof check --revision seed-v2 --no-save', 'a revision that breaks; nothing is kept'],
        ['barproof check --target qemu --qemu ~/qemu/build', 'a QEMU of your own, the devices served to it'],
      ]),
    )
    .option('--seed <text>', 'the same seed gives the same cases', seedText, 'barproof')
    .option(
      '--runs <number>',
      `how many generated cases; ${DEFAULT_RUNS.model}, or ${DEFAULT_RUNS.qemu} on a real QEMU`,
      wholeNumber,
    )
    .option('--revision <id>', 'the revision to check', NEWEST.id)
    .option('--invariant <id>', 'check this one alone', invariantId)
    .option('--strict', 'known findings count, too')
    .option('--no-save', 'keep no new regression files')
    .option('--regressions <folder>', 'where regression files are', 'regressions')
    .action((options: CheckCommandOptions) =>
      withInterrupt(async (signal) => {
        const revision = requireRevision(options.revision, '--revision');
        const real = options.target === 'qemu';
        if (real && revision.id !== NEWEST.id) throw onlyNewest();
        const runs = options.runs ?? DEFAULT_RUNS[options.target];
        const store = new RegressionStore(options.regressions);
        const stored = store.load();
        const target = real ? await openQemu({ qemu: options.qemu, search: true }) : openModel(revision);
        try {
          const invariants = invariantsOf(target, options.invariant);
          const regressions: StoredRegression[] = [];
          // A case for what the target does not have says nothing about it.
          for (const one of stored) if (await target.canRun(one.regression.scenario)) regressions.push(one);
          const summary = await check({
            plan: {
              target: target.name,
              revision: revision.id,
              seed: options.seed,
              runs,
              invariants: invariants.map(({ id }) => id),
              notes: target.notes,
              command: commandOf({ ...options, runs }),
            },
            run: target.run,
            scenarios: target.histories ?? target.scenarios,
            invariants,
            regressions,
            known: options.strict ? [] : knownFindings(revision, stored),
            store: options.save ? store : undefined,
            version: VERSION,
            date: new Date().toISOString().slice(0, 10),
            signal,
            ...(real && { repetitions: REPETITIONS, starts: 1 }),
            listener: consoleReport({
              out: (text) => process.stdout.write(text),
              progress: terminalProgress(process.stderr),
              replayCommand: (finding, id) => replayCommand(options, finding, id),
              version: VERSION,
            }),
          });
          if (!summary.holds) conclude(ExitCode.COUNTEREXAMPLE);
          // What was not looked at cannot be said to hold.
          else if (summary.cases < runs) conclude(ExitCode.COULD_NOT_RUN);
        } finally {
          await target.close();
        }
      }),
    );

const onlyNewest = (): InvalidInput =>
  new InvalidInput([
    {
      path: '--revision',
      message: `a real QEMU is what it is; its findings are judged as those of ${NEWEST.id}`,
    },
  ]);

/** The invariants to check: all of the target's, or the one that was asked for. */
function invariantsOf(
  { name, invariants, notes }: OpenTarget,
  asked: InvariantId | undefined,
): readonly Invariant[] {
  if (asked === undefined) return invariants;
  const invariant = findInvariant(asked);
  if (invariants.includes(invariant)) return [invariant];
  const reason = name === 'model' ? 'it takes a real VMM: add --target qemu' : notes.join('; ');
  throw new InvalidInput([{ path: '--invariant', message: `${asked} cannot be checked: ${reason}` }]);
}

/**
 * What the revision is known for. Only the newest has findings that are accepted, for they are the real
 * program's own: those that come with barproof, and those that somebody has looked at and marked.
 */
function knownFindings(
  revision: AnyRevision,
  stored: readonly StoredRegression[],
): readonly StoredRegression[] {
  if (revision.id !== NEWEST.id) return [];
  return [...ownRegressions('known'), ...stored].filter(
    ({ regression }) => regression.status === 'known' && regression.failsOn.includes(revision.id),
  );
}

function commandOf({ revision, seed, runs, invariant, strict, target }: CheckCommandOptions): string {
  return commandText([
    'barproof',
    'check',
    ...(target === 'model' ? ['--revision', revision] : ['--target', target]),
    ...['--seed', seed],
    ...['--runs', String(runs)],
    ...(invariant === undefined ? [] : ['--invariant', invariant]),
    ...(strict ? ['--strict'] : []),
  ]);
}

function replayCommand(
  { regressions, target }: CheckCommandOptions,
  { file, origin }: Finding,
  revision: string,
): string | undefined {
  if (file === undefined) return undefined;
  const isStoredForAnother = origin.kind === 'regression' && origin.stored !== revision;
  return commandText([
    'barproof',
    'replay',
    join(regressions, file),
    ...(target !== 'model' ? ['--target', target] : isStoredForAnother ? ['--revision', revision] : []),
  ]);
}

function invariantId(text: string): InvariantId {
  if ((INVARIANT_IDS as readonly string[]).includes(text)) return text as InvariantId;
  const nearest = nearestTo(text, INVARIANT_IDS);
  throw new InvalidArgumentError(
    nearest === undefined ? 'barproof list invariants shows them.' : `did you mean ${nearest}?`,
  );
}
