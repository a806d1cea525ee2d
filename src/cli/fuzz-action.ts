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
import { prefixProblems, requireWritableFolder } from '../input/index.ts';
import type { InvariantId } from '../invariants/index.ts';
import { requireRevision, runOnModel } from '../model/index.ts';
import { fuzzBegins, fuzzEnds } from '../readers/index.ts';
import { announcement, fuzzStart, fuzzSummary, statisticsText } from '../report/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { acceptedFindings } from './accepted-findings.ts';
import type { CampaignOptions } from './campaign-options.ts';
import { modelInvariants } from './campaign-work.ts';
import { startWorkers } from './campaign-threads.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { findingShown } from './finding-shown.ts';
import { inlineLess } from './inline-less.ts';
import { VERSION } from './package.ts';
import { programWords } from './program-words.ts';
import type { ReportOptions } from './report-option.ts';
import { withReports, type ReportHooks } from './reports.ts';
import { commandText } from './shell.ts';
import type { PluginOptions } from './target-options.ts';
import { terminalProgress } from './terminal-progress.ts';
import { usePlugins } from './use-plugins.ts';

/** The options of `barproof fuzz` as commander reads them. */
export interface FuzzCommandOptions extends CampaignOptions, ReportOptions, PluginOptions {
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
  withReports('fuzz', options, raiseExitCode, (hooks) => search(options, hooks));

async function search(
  options: FuzzCommandOptions,
  { signal: interrupt, emit, raise }: ReportHooks,
): Promise<void> {
  inlineLess();
  const { time, invariant, plugin = [], strict = false, realistic = false, guided = false } = options;
  if (plugin.length > 0) await usePlugins(plugin);
  const revision = requireRevision(options.revision ?? NEWEST.id, '--revision');
  const report = {
    emit,
    invariants: modelInvariants(invariant),
    known: strict ? [] : acceptedFindings(revision.id),
  };
  prefixProblems('--corpus', () => requireWritableFolder(options.corpus));
  const folder = new CampaignFolder(options.corpus);
  const plan = planOf(options, revision.id);
  const out = (text: string): void => void process.stdout.write(text);
  const progress = terminalProgress(process.stderr);
  const run = ({ scenario }: Pick<Discovery, 'scenario'>) => runOnModel(scenario, revision);
  const end = new AbortController();
  const stop = (): void => end.abort();
  interrupt.addEventListener('abort', stop, { once: true });
  const timer = time === undefined ? undefined : setTimeout(stop, time * 1000);
  const cases = { kind: 'drawn', realistic, guided } as const;
  const order = { revision: revision.id, invariant, plugins: plugin, strict, cases };
  const workers = startWorkers(options.jobs, order, end.signal);
  const started = performance.now();
  let result: FuzzResult;
  try {
    out(fuzzStart(plan, { version: VERSION, folder: folder.directory }));
    fuzzBegins(plan, report);
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
      onProgress: (ran, findings) => {
        progress(`${ran} cases, ${findings} findings`);
        emit({ type: 'progress', cases: ran, ...(plan.runs !== undefined && { of: plan.runs }), findings });
      },
    });
  } finally {
    clearTimeout(timer);
    await workers.close();
  }
  const seconds = (performance.now() - started) / 1000;
  progress('');
  const findings = findingsOf(result, run);
  const fileOf = ({ file }: Finding): string => join(folder.directory, file!);
  const replay = (finding: Finding): string =>
    commandText([
      ...programWords(),
      'replay',
      resolve(fileOf(finding)),
      ...plugin.flatMap((file) => ['--plugin', resolve(file)]),
    ]);
  out(fuzzSummary(result, { findings, replay }));
  const placeOf = (finding: Finding) => ({ file: fileOf(finding), again: replay(finding) });
  fuzzEnds(result, plan, findings, { ...report, placeOf, interrupted: interrupt.aborted });
  const ran = result.tally.cases - result.before;
  if (options.stats) out(statisticsText(result.tally, { growth: result.growth, ran, seconds }));
  if (findings.some(({ severity }) => severity === 'error')) raise(ExitCode.COUNTEREXAMPLE);
  // Cases that were not run might break an invariant.
  else if (!result.isComplete && (result.tally.cases === 0 || interrupt.aborted))
    raise(ExitCode.COULD_NOT_RUN);
}

/** The stored findings as runs show them today. */
const findingsOf = (
  { findings }: FuzzResult,
  run: (discovery: Pick<Discovery, 'scenario'>) => ReturnType<typeof runOnModel>,
): readonly Finding[] =>
  findings.flatMap(({ regression, file }) => {
    const { invariant, cause } = regression;
    const shown = findingShown(run(regression), { invariant: invariant!, cause: cause! });
    return shown === undefined ? [] : [{ ...shown, file }];
  });

function planOf(
  { seed, runs, shard, invariant, plugin = [], realistic, strict, guided }: FuzzCommandOptions,
  revision: string,
): FuzzPlan {
  const command = commandText([
    'barproof',
    'fuzz',
    ...['--revision', revision],
    ...['--seed', seed],
    ...(runs === undefined ? [] : ['--runs', String(runs)]),
    ...(invariant === undefined ? [] : ['--invariant', invariant]),
    ...plugin.flatMap((file) => ['--plugin', file]),
    ...(realistic ? ['--realistic'] : []),
    ...(strict ? ['--strict'] : []),
    ...(guided ? ['--guided'] : []),
  ]);
  return { revision, seed, runs, shard: shard ?? shardOfEnvironment(process.env), command };
}
