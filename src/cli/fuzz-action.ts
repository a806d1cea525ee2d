import { join, resolve } from 'node:path';
import {
  BLOCK_CASES,
  CampaignFolder,
  checkableInvariants,
  fuzz,
  interruptible,
  Interrupted,
  shardOfEnvironment,
  type Finding,
  type FuzzPlan,
  type FuzzResult,
} from '../campaign/index.ts';
import { prefixProblems, requireWritableFolder } from '../input/index.ts';
import { findInvariant, type InvariantId } from '../invariants/index.ts';
import { fuzzBegins, fuzzEnds, type CampaignReport } from '../readers/index.ts';
import { announcement, fuzzStart, fuzzSummary, statisticsText } from '../report/index.ts';
import type { SearchTarget } from '../trace/index.ts';
import { acceptedFindings } from './accepted-findings.ts';
import { startWorkers } from './campaign-jobs.ts';
import type { CampaignOptions } from './campaign-options.ts';
import { withCampaignTarget, type CampaignTarget, type CampaignWorkOrder } from './campaign-work.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { findingShown } from './finding-shown.ts';
import { checkTargetOptions, searchedRevision } from './open-target.ts';
import { VERSION } from './package.ts';
import { programWords } from './program-words.ts';
import type { ReportOptions } from './report-option.ts';
import { withReports, type ReportHooks } from './reports.ts';
import { requireInvariant } from './require-invariant.ts';
import { commandText } from './shell.ts';
import type { PluginOptions, TargetOptions } from './target-options.ts';
import { terminalProgress } from './terminal-progress.ts';
import { usePlugins } from './use-plugins.ts';

/** The options of `barproof fuzz` as commander reads them. */
export interface FuzzCommandOptions extends CampaignOptions, TargetOptions, ReportOptions, PluginOptions {
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

/** How many cases a block has on a real QEMU. They take 5 to 20 seconds; a command that goes on repeats a block that was cut. */
const QEMU_BLOCK_CASES = 96;

/** Searches until the time, the cases, or the user ends the campaign. */
export const runFuzz = (options: FuzzCommandOptions, raiseExitCode: RaiseExitCode): Promise<void> =>
  withReports('fuzz', options, raiseExitCode, (hooks) => openAndSearch(options, hooks));

async function openAndSearch(options: FuzzCommandOptions, hooks: ReportHooks): Promise<void> {
  checkTargetOptions(options);
  const { target, qemu, invariant, plugin = [], strict = false, realistic = false, guided = false } = options;
  if (plugin.length > 0) await usePlugins(plugin);
  if (invariant !== undefined) requireInvariant(invariant);
  const order: CampaignWorkOrder = {
    target,
    ...(qemu !== undefined && { qemu }),
    ...(options.interface !== undefined && { interface: options.interface }),
    revision: searchedRevision(options).id,
    invariant,
    plugins: plugin,
    strict,
    cases: { kind: 'drawn', realistic, guided },
  };
  await withCampaignTarget(order, (opened) => search(options, order, opened, hooks));
}

async function search(
  options: FuzzCommandOptions,
  order: CampaignWorkOrder,
  opened: CampaignTarget,
  { signal: interrupt, emit, raise }: ReportHooks,
): Promise<void> {
  const report = {
    emit,
    invariants: checkableInvariants(opened.target, order.invariant),
    known: order.strict ? [] : acceptedFindings(order.revision),
  };
  prefixProblems('--corpus', () => requireWritableFolder(options.corpus));
  const folder = new CampaignFolder(options.corpus);
  const plan = planOf(options, order, opened.target);
  const started = performance.now();
  const { result, hasFound } = await searchFolder({
    options,
    order,
    opened,
    plan,
    folder,
    report,
    interrupt,
  });
  const seconds = (performance.now() - started) / 1000;
  const findings = await shownAgain(result, opened, interrupt);
  const fileOf = ({ file }: Finding): string => join(folder.directory, file!);
  const replay = (finding: Finding): string =>
    commandText([
      ...programWords(),
      'replay',
      resolve(fileOf(finding)),
      ...targetWords(options),
      ...(options.plugin ?? []).flatMap((file) => ['--plugin', resolve(file)]),
    ]);
  const out = (text: string): void => void process.stdout.write(text);
  const { repetitions } = opened;
  out(fuzzSummary(result, { repetitions, interrupted: interrupt.aborted, findings, replay }));
  const placeOf = (finding: Finding) => ({ file: fileOf(finding), again: replay(finding) });
  fuzzEnds(result, plan, findings, { ...report, placeOf, interrupted: interrupt.aborted });
  const ran = result.tally.cases - result.before;
  if (options.stats) out(statisticsText(result.tally, { growth: result.growth, ran, seconds }));
  if (hasFound || findings.some(({ severity }) => severity === 'error')) raise(ExitCode.COUNTEREXAMPLE);
  // Cases that were not run might break an invariant.
  else if (!result.isComplete && (result.tally.cases === 0 || interrupt.aborted))
    raise(ExitCode.COULD_NOT_RUN);
}

interface SearchFolderOptions {
  readonly options: FuzzCommandOptions;
  readonly order: CampaignWorkOrder;
  readonly opened: CampaignTarget;
  readonly plan: FuzzPlan;
  readonly folder: CampaignFolder;
  readonly report: CampaignReport;
  readonly interrupt: AbortSignal;
}

/**
 * Searches until the time, the cases or the user ends the campaign, and tells of each finding once it is stored.
 *
 * @returns `hasFound`: whether this command has found a counterexample, be it one that does not show again.
 */
async function searchFolder({
  options: { time, jobs },
  order,
  opened,
  plan,
  folder,
  report,
  interrupt,
}: SearchFolderOptions): Promise<{ readonly result: FuzzResult; readonly hasFound: boolean }> {
  const end = new AbortController();
  const stop = (): void => end.abort();
  const workers = startWorkers(jobs, order, opened, end.signal);
  const timer = time === undefined ? undefined : setTimeout(stop, time * 1000);
  interrupt.addEventListener('abort', stop, { once: true });
  if (interrupt.aborted) stop();
  const out = (text: string): void => void process.stdout.write(text);
  const progress = terminalProgress(process.stderr);
  let hasFound = false;
  try {
    out(fuzzStart(plan, { version: VERSION, folder: folder.directory, notes: opened.target.notes }));
    fuzzBegins(plan, report);
    const result = await fuzz({
      plan,
      workers,
      folder,
      version: VERSION,
      date: new Date().toISOString().slice(0, 10),
      signal: end.signal,
      onFinding: (discovery, file) => {
        hasFound ||= findInvariant(discovery.invariant).severity === 'error';
        progress('');
        out(announcement(discovery, plan.blockCases, join(folder.directory, file)));
      },
      onProgress: (cases, findings) => {
        progress(`${cases} cases, ${findings} findings`);
        report.emit({
          type: 'progress',
          cases,
          ...(plan.runs !== undefined && { of: plan.runs }),
          findings,
        });
      },
    });
    return { result, hasFound };
  } finally {
    progress('');
    clearTimeout(timer);
    interrupt.removeEventListener('abort', stop);
    await workers.close();
  }
}

/** The stored findings as runs show them now, until the interrupt. What depends on timing gets some more runs. */
async function shownAgain(
  { findings }: FuzzResult,
  { target, repetitions }: CampaignTarget,
  interrupt: AbortSignal,
): Promise<readonly Finding[]> {
  const run = interruptible((scenario) => target.run(scenario), interrupt);
  const shown: Finding[] = [];
  for (const { regression, file } of findings) {
    const { invariant, cause, scenario } = regression;
    const fingerprint = { invariant: invariant!, cause: cause! };
    try {
      for (let turn = 0; turn < Math.max(1, repetitions); turn++) {
        const finding = findingShown(await run(scenario), fingerprint);
        if (finding === undefined) continue;
        shown.push({ ...finding, file });
        break;
      }
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    }
  }
  return shown;
}

/** The words of a command line that choose the target. */
const targetWords = ({ target, qemu, interface: chosen }: TargetOptions): readonly string[] => [
  ...(target === 'model' ? [] : ['--target', target]),
  ...(qemu === undefined ? [] : ['--qemu', resolve(qemu)]),
  ...(chosen === undefined ? [] : ['--interface', chosen]),
];

function planOf(
  options: FuzzCommandOptions,
  { revision, target }: CampaignWorkOrder,
  { name }: SearchTarget,
): FuzzPlan {
  const { seed, runs, shard, invariant, plugin = [], realistic, strict, guided } = options;
  const isModel = target === 'model';
  const command = commandText([
    'barproof',
    'fuzz',
    ...(isModel ? ['--revision', revision] : targetWords(options)),
    ...['--seed', seed],
    ...(runs === undefined ? [] : ['--runs', String(runs)]),
    ...(invariant === undefined ? [] : ['--invariant', invariant]),
    ...plugin.flatMap((file) => ['--plugin', file]),
    ...(realistic ? ['--realistic'] : []),
    ...(strict ? ['--strict'] : []),
    ...(guided ? ['--guided'] : []),
  ]);
  return {
    revision,
    ...(!isModel && { target: name }),
    blockCases: isModel ? BLOCK_CASES : QEMU_BLOCK_CASES,
    seed,
    runs,
    shard: shard ?? shardOfEnvironment(process.env),
    command,
  };
}
