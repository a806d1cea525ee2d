import {
  CampaignFolder,
  checkableInvariants,
  prove,
  shardOfEnvironment,
  type ProofPlan,
} from '../campaign/index.ts';
import { prefixProblems, requireWritableFolder } from '../input/index.ts';
import type { InvariantId } from '../invariants/index.ts';
import { requireRevision, runOnModel, scopeOf } from '../model/index.ts';
import { proofBegins, proofEnds } from '../readers/index.ts';
import { count, proofStart, proofSummary } from '../report/index.ts';
import { ProofScope } from '../scope/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { acceptedFindings } from './accepted-findings.ts';
import type { CampaignOptions } from './campaign-options.ts';
import { startWorkers } from './campaign-jobs.ts';
import { withCampaignTarget, type CampaignTarget, type CampaignWorkOrder } from './campaign-work.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { findingShown } from './finding-shown.ts';
import { VERSION } from './package.ts';
import type { ReportOptions } from './report-option.ts';
import { withReports, type ReportHooks } from './reports.ts';
import { requireInvariant } from './require-invariant.ts';
import { commandText } from './shell.ts';
import type { PluginOptions } from './target-options.ts';
import { terminalProgress } from './terminal-progress.ts';
import { usePlugins } from './use-plugins.ts';

/** The options of `barproof prove` as commander reads them. */
export interface ProveCommandOptions extends CampaignOptions, ReportOptions, PluginOptions {
  readonly pages: number;
  readonly operations: number;
  readonly revision?: string;
  readonly invariant?: InvariantId;
  readonly strict?: true;
  readonly corpus?: string;
}

/** Runs all scenarios of a scope, until one breaks an invariant or the user ends the proof. */
export const runProof = (options: ProveCommandOptions, raiseExitCode: RaiseExitCode): Promise<void> =>
  withReports('prove', options, raiseExitCode, (hooks) => openAndProve(options, hooks));

async function openAndProve(options: ProveCommandOptions, hooks: ReportHooks): Promise<void> {
  const { pages, operations, invariant, plugin = [], strict = false, corpus } = options;
  if (plugin.length > 0) await usePlugins(plugin);
  const revision = requireRevision(options.revision ?? NEWEST.id, '--revision');
  if (corpus !== undefined) prefixProblems('--corpus', () => requireWritableFolder(corpus));
  if (invariant !== undefined) requireInvariant(invariant);
  const cases = { kind: 'scope', pages, operations } as const;
  const order: CampaignWorkOrder = {
    target: 'model',
    revision: revision.id,
    invariant,
    plugins: plugin,
    strict,
    cases,
  };
  await withCampaignTarget(order, (opened) => proveScope(options, order, opened, hooks));
}

async function proveScope(
  options: ProveCommandOptions,
  order: CampaignWorkOrder,
  opened: CampaignTarget,
  { signal, emit, raise }: ReportHooks,
): Promise<void> {
  const { pages, operations, corpus } = options;
  const { invariant, strict } = order;
  const revision = requireRevision(order.revision, '--revision');
  const invariants = checkableInvariants(opened.target, invariant);
  const report = { emit, invariants, known: strict ? [] : acceptedFindings(revision.id) };
  const scope = new ProofScope({ ...scopeOf(revision), pages, operations });
  const plan: ProofPlan = {
    revision: revision.id,
    size: scope.size,
    shard: options.shard ?? shardOfEnvironment(process.env),
    command: commandOf(options, revision.id),
  };
  const out = (text: string): void => void process.stdout.write(text);
  const progress = terminalProgress(process.stderr);
  out(proofStart(plan, scope, VERSION));
  proofBegins(plan, report);
  const workers = startWorkers(options.jobs, order, opened, signal);
  try {
    const result = await prove({
      plan,
      workers,
      folder: corpus === undefined ? undefined : new CampaignFolder(corpus),
      signal,
      onProgress: (done) => {
        // Before the first block ends there is nothing to tell.
        if (done > 0) progress(`${done} of ${count(scope.size, 'scenario')}`);
        emit({ type: 'progress', cases: done, of: scope.size, findings: 0 });
      },
    });
    progress('');
    const findings = result.counterexamples.map((one) =>
      findingShown(runOnModel(one.scenario, revision), one)!,
    );
    out(proofSummary(result, { plan, findings, invariants }));
    proofEnds(result, plan, findings, { ...report, interrupted: signal.aborted });
    if (findings.length > 0) raise(ExitCode.COUNTEREXAMPLE);
    else if (result.tally.cases < result.size) raise(ExitCode.COULD_NOT_RUN);
  } finally {
    await workers.close();
  }
}

/** The command line that repeats the proof. */
const commandOf = (
  { pages, operations, invariant, plugin = [], strict }: ProveCommandOptions,
  revision: string,
): string =>
  commandText([
    'barproof',
    'prove',
    ...['--revision', revision],
    ...['--pages', String(pages)],
    ...['--operations', String(operations)],
    ...(invariant === undefined ? [] : ['--invariant', invariant]),
    ...plugin.flatMap((file) => ['--plugin', file]),
    ...(strict ? ['--strict'] : []),
  ]);
