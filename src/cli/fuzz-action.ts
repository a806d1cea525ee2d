import { join, resolve } from 'node:path';
import {
  CampaignFolder,
  fuzz,
  shardOfEnvironment,
  type Discovery,
  type Finding,
  type FuzzPlan,
  type FuzzResult,
} from '../campaign/index.ts';
import type { InvariantId } from '../invariants/index.ts';
import { requireRevision, runOnModel } from '../model/index.ts';
import { announcement, fuzzStart, fuzzSummary, statisticsText } from '../report/index.ts';
import { NEWEST } from '../vfio/index.ts';
import type { CampaignOptions } from './campaign-options.ts';
import { modelInvariants } from './campaign-work.ts';
import { startWorkers } from './campaign-threads.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { findingShown } from './finding-shown.ts';
import { inlineLess } from './inline-less.ts';
import { withInterrupt } from './interrupt.ts';
import { VERSION } from './package.ts';
import { programWords } from './program-words.ts';
import { commandText } from './shell.ts';
import { terminalProgress } from './terminal-progress.ts';

/** The options of `barproof fuzz` as commander reads them. */
export interface FuzzCommandOptions extends CampaignOptions {
  /** In seconds. */
  readonly time?: number;
  readonly runs?: number;
  readonly seed: string;
  readonly revision?: string;
  readonly invariant?: InvariantId;
  readonly realistic?: true;
  readonly strict?: true;
  readonly guided?: true;
  readonly corpus: string;
  readonly stats?: true;
}

/** Searches until the time, the cases, or the user ends the campaign. */
export const runFuzz = (options: FuzzCommandOptions, raiseExitCode: RaiseExitCode): Promise<void> =>
  withInterrupt(async (interrupt) => {
    inlineLess();
    const revision = requireRevision(options.revision ?? NEWEST.id, '--revision');
    modelInvariants(options.invariant);
    const folder = new CampaignFolder(options.corpus);
    const plan = planOf(options, revision.id);
    const { time, invariant, strict = false, realistic = false, guided = false } = options;
    const out = (text: string): void => void process.stdout.write(text);
    const progress = terminalProgress(process.stderr);
    const run = ({ scenario }: Pick<Discovery, 'scenario'>) => runOnModel(scenario, revision);
    const end = new AbortController();
    const stop = (): void => end.abort();
    interrupt.addEventListener('abort', stop, { once: true });
    const timer = time === undefined ? undefined : setTimeout(stop, time * 1000);
    const order = {
      revision: revision.id,
      invariant,
      strict,
      cases: { kind: 'drawn', realistic, guided },
    } as const;
    const workers = startWorkers(options.jobs, order, end.signal);
    const started = performance.now();
    let result: FuzzResult;
    try {
      out(fuzzStart(plan, { version: VERSION, folder: folder.directory }));
      result = await fuzz({
        plan,
        workers,
        folder,
        run,
        version: VERSION,
        date: new Date().toISOString().slice(0, 10),
        signal: end.signal,
        onFinding: (discovery, file) => {
          progress('');
          out(announcement(discovery, join(folder.directory, file)));
        },
        onProgress: (cases, findings) => progress(`${cases} cases, ${findings} findings`),
      });
    } finally {
      clearTimeout(timer);
      await workers.close();
    }
    const seconds = (performance.now() - started) / 1000;
    progress('');
    const findings = result.findings.flatMap(({ regression, file }): readonly Finding[] => {
      const { invariant, cause } = regression;
      const shown = findingShown(run(regression), { invariant: invariant!, cause: cause! });
      return shown === undefined ? [] : [{ ...shown, file }];
    });
    const replay = (finding: Finding): string =>
      commandText([...programWords(), 'replay', resolve(join(folder.directory, finding.file!))]);
    out(fuzzSummary(result, { findings, replay }));
    const ran = result.tally.cases - result.before;
    if (options.stats) out(statisticsText(result.tally, { growth: result.growth, ran, seconds }));
    if (findings.some(({ severity }) => severity === 'error')) raiseExitCode(ExitCode.COUNTEREXAMPLE);
    // Cases that were not run might break an invariant.
    else if (!result.isComplete && (result.tally.cases === 0 || interrupt.aborted))
      raiseExitCode(ExitCode.COULD_NOT_RUN);
  });

function planOf(
  { seed, runs, shard, invariant, realistic, strict, guided }: FuzzCommandOptions,
  revision: string,
): FuzzPlan {
  const command = commandText([
    'barproof',
    'fuzz',
    ...['--revision', revision],
    ...['--seed', seed],
    ...(runs === undefined ? [] : ['--runs', String(runs)]),
    ...(invariant === undefined ? [] : ['--invariant', invariant]),
    ...(realistic ? ['--realistic'] : []),
    ...(strict ? ['--strict'] : []),
    ...(guided ? ['--guided'] : []),
  ]);
  return { revision, seed, runs, shard: shard ?? shardOfEnvironment(process.env), command };
}
