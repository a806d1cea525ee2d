import { join, resolve } from 'node:path';
import { hostSessions, type GeneratedHost } from '../../generators/index.ts';
import { deriveSeed } from '../campaign/index.ts';
import { InvalidInput, type Problem } from '../input/index.ts';
import {
  campaignHost,
  compareWithModel,
  decodeSession,
  installedKernels,
  iommusOf,
  LinuxHost,
  SessionStore,
  type CampaignHost,
  type HostCampaignEvent,
  type HostCampaignResult,
} from '../linux/index.ts';
import { hostCampaignEnds, hostCampaignPlan, reportedHostFinding } from '../readers/index.ts';
import {
  count,
  hostCampaignFigures,
  hostCampaignStart,
  hostCampaignSummary,
  hostFindingBlock,
  kernelText,
} from '../report/index.ts';
import { DEFAULT_CHECK_RUNS, type CheckLinuxOptions } from './check-command-options.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { VERSION } from './package.ts';
import { printProblems } from './print-problems.ts';
import { refuseOptions } from './refuse-options.ts';
import { checkLinuxAgain, hostAgain } from './repeat-commands.ts';
import { withReports, type ReportHooks } from './reports.ts';
import { requireStore } from './require-store.ts';
import { terminalProgress, type Progress } from './terminal-progress.ts';

/** The folder of the sessions, below that of the stored cases. */
const FOLDER = 'linux';

/** Compares the model of the Linux host with a real kernel, and shrinks and stores what differs. */
export const checkLinux = (options: CheckLinuxOptions, raiseExitCode: RaiseExitCode): Promise<void> =>
  withReports('check', options, raiseExitCode, async (hooks) => {
    refuseOptions(
      options,
      ['revision', 'invariant', 'plugin', 'realistic', 'strict', 'interface'],
      'a real kernel is asked host calls, not scenarios; leave it out with --target linux',
    );
    const host = campaignHost(options);
    requireStore(options);
    await compare(options, host, hooks);
  });

async function compare(
  options: CheckLinuxOptions,
  host: CampaignHost,
  { signal, emit, raise }: ReportHooks,
): Promise<void> {
  const { seed, qemu, save } = options;
  const runs = options.runs ?? DEFAULT_CHECK_RUNS.linux;
  const store = new SessionStore(join(options.regressions, FOLDER));
  const stored = store.sessionsOf(host);
  const generated = generatedHost(host);
  const name = kernelText(generated);
  const notes = notesOn(host);
  const again = checkLinuxAgain({ ...options, kernel: host.kernel.name, iommu: host.iommu, runs });
  emit({ type: 'started', plan: hostCampaignPlan(name, { seed, runs, again, notes }) });
  const out = (text: string): void => void (options.json || options.mail || process.stdout.write(text));
  out(hostCampaignStart({ version: VERSION, host: name, runs, seed, notes }));
  const unsaved: Problem[] = [];
  const progress = terminalProgress(process.stderr);
  const listener = (event: HostCampaignEvent): void => {
    showProgress(event, progress);
    if (event.type === 'progress')
      emit({ type: 'progress', cases: event.sessions, of: event.runs, findings: event.findings });
    if (event.type !== 'finding') return;
    const { finding, number } = event;
    const commands = commandsFor(finding.file, qemu);
    out(`\n${hostFindingBlock(finding, number, commands)}`);
    emit({ type: 'finding', finding: reportedHostFinding(finding, number, commands.again) });
  };
  progress('booting the kernel');
  const kernel = new LinuxHost({ kernels: [host.kernel], qemu: { path: qemu } });
  const result = await compareWithModel({
    ...{ kernel, stored, runs, signal, listener },
    sessions: hostSessions(generated).map(decodeSession),
    seed: deriveSeed(seed, 'check linux'),
    save: save ? (finding) => noteProblems(unsaved, () => store.save(finding)) : undefined,
  }).finally(async () => {
    progress('');
    await kernel.close();
  });
  out(`\n${hostCampaignSummary(result, { planned: runs, folder: save ? store.directory : undefined })}`);
  hostCampaignEnds(result, runs, emit);
  printProblems(unsaved);
  raise(exitCodeOf(result, runs, unsaved));
  if (result.failure !== undefined) throw result.failure;
}

function exitCodeOf(result: HostCampaignResult, runs: number, unsaved: readonly Problem[]): ExitCode {
  if (result.findings.length > 0) return ExitCode.COUNTEREXAMPLE;
  // Sessions that were not asked might show a difference.
  const isWhole = result.sessions === runs && hostCampaignFigures(result).compared > 0;
  return isWhole && unsaved.length === 0 ? ExitCode.HOLDS : ExitCode.COULD_NOT_RUN;
}

/** The host that sessions are generated for. */
const generatedHost = ({ kernel, iommu }: CampaignHost): GeneratedHost => ({
  kernel: kernel.release,
  arch: kernel.architecture,
  pageSize: kernel.pageSize,
  iommu,
  iommufd: kernel.iommufd,
});

/** Which other hosts could be asked on this machine. */
function notesOn({ kernel, iommu }: CampaignHost): readonly string[] {
  const kernels = installedKernels().flatMap(({ name }) => (name === kernel.name ? [] : [name]));
  const iommus = iommusOf(kernel).filter((one) => one !== iommu);
  return [
    ...(kernels.length === 0 ? [] : [`other kernels for --kernel: ${kernels.join(', ')}`]),
    ...(iommus.length === 0 ? [] : [`other IOMMUs for --iommu: ${iommus.join(', ')}`]),
  ];
}

/** The command lines that show a finding again, from any folder, if a file holds its session. */
function commandsFor(file: string | undefined, qemu: string | undefined) {
  if (file === undefined) return { again: undefined, onModel: undefined };
  const path = resolve(file);
  return {
    again: hostAgain(path, { target: 'linux', ...(qemu !== undefined && { qemu: resolve(qemu) }) }),
    onModel: hostAgain(path, { target: 'model' }),
  };
}

/** The result of `act`; `undefined` with its problems noted where it has no result. */
function noteProblems<T>(problems: Problem[], act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function showProgress(event: HostCampaignEvent, progress: Progress): void {
  switch (event.type) {
    case 'progress':
      progress(`${event.sessions} of ${count(event.runs, 'session')}, ${count(event.findings, 'finding')}`);
      break;
    case 'sighted':
      progress.keep(
        `found ${event.observation.message}${event.session === undefined ? '' : `, in session ${event.session}`}`,
      );
      break;
    case 'shrinking':
      progress(`shrinking ${event.observation.message}: ${count(event.tried, 'session')} tried`);
      break;
    case 'finding':
      progress('');
      break;
  }
}
