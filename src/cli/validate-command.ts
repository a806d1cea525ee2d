import { Command } from 'commander';
import { REAL_DEVICES, scenarios } from '../../generators/index.ts';
import * as library from '../index.ts';
import { describeScenario, verdictText, verdictToJson } from '../report/index.ts';
import { encodeScenario, toJsonText, type Scenario } from '../scenario/index.ts';
import { InvalidInput } from '../input/index.ts';
import { runOnModel, requireQemuRevision } from '../model/index.ts';
import {
  FaultyRun,
  Unrepeatable,
  loadPatch,
  placeIn,
  runPatched,
  shrinkFault,
  validate,
  whatWasThrown,
  type LoadedPatch,
  type Verdict,
} from '../validate/index.ts';
import { NEWEST, type Revision } from '../vfio/index.ts';
import { complain } from './complain.ts';
import { examples } from './examples.ts';
import { ExitCode, type Conclude } from './exit-code.ts';
import { withInterrupt } from './interrupt.ts';
import { naming } from './load-scenario.ts';
import { seedText, wholeNumber } from './option-values.ts';
import { ownRegressions } from './own-regressions.ts';
import { openQemu } from './targets.ts';
import { terminalProgress } from './terminal-progress.ts';

interface ValidateCommandOptions {
  readonly base?: string;
  readonly qemu?: string;
  readonly qemuBase?: string;
  readonly seed: string;
  readonly runs?: number;
  readonly json?: true;
}

const DEFAULT_RUNS = { model: 4000, qemu: 200 } as const;

const ABOUT_EXIT_CODES = `
Exit codes: 0 the patch breaks nothing, 1 it breaks something, 2 it could not be judged.`;

/** `barproof validate`: what a patch fixes, breaks and costs. */
export const validateCommand = (conclude: Conclude): Command =>
  new Command('validate')
    .description('judge a patch: run the same scenarios with and without it')
    .addHelpText(
      'before',
      examples([
        ['barproof validate my-patch.ts', 'a patch in TypeScript or JavaScript, against its own base'],
        ['barproof validate my-patch.ts --base qemu-6.0', 'the same patch on another revision'],
        ['barproof validate my-patch.ts --json', 'everything as data'],
        ['barproof validate --qemu ~/new --qemu-base ~/old', 'two builds of QEMU'],
      ]),
    )
    .addHelpText('after', ABOUT_EXIT_CODES)
    .argument('[patch]', 'a file whose default export definePatch has made; barproof new-patch writes one')
    .option('--base <revision>', 'the revision underneath, instead of the one that the patch names')
    .option('--qemu <path>', 'instead of a patch: a QEMU with the change, binary or folder')
    .option('--qemu-base <path>', 'the QEMU without it; else BARPROOF_QEMU, else PATH')
    .option('--seed <text>', 'the same seed gives the same cases', seedText, 'barproof')
    .option(
      '--runs <number>',
      `how many generated cases, beside those stored; ${DEFAULT_RUNS.model}, or ${DEFAULT_RUNS.qemu} of real QEMUs`,
      wholeNumber,
    )
    .option('--json', 'the verdict as JSON')
    .action((file: string | undefined, options: ValidateCommandOptions) =>
      withInterrupt(async (signal) => {
        const verdict =
          file === undefined
            ? await judgeBinaries(options, signal)
            : await judgeFile(file, options, signal, conclude);
        if (verdict === undefined) {
          conclude(ExitCode.COULD_NOT_RUN);
          return;
        }
        process.stdout.write(options.json ? toJsonText(verdictToJson(verdict)) : verdictText(verdict));
        if (verdict.breaks) conclude(ExitCode.COUNTEREXAMPLE);
        // What was not looked at may break.
        else if (verdict.interrupted) conclude(ExitCode.COULD_NOT_RUN);
      }),
    );

async function judgeFile(
  file: string,
  options: ValidateCommandOptions,
  signal: AbortSignal,
  conclude: Conclude,
): Promise<Verdict | undefined> {
  if (options.qemu !== undefined || options.qemuBase !== undefined) throw eitherPatchOrQemu();
  const failed = promisesThatFail();
  const loaded = naming(file, () => loadPatch(file, { barproof: library }));
  const verdict = await judge(loaded, file, baseOf(loaded, file, options), options, signal);
  // Node tells of such promises when everything else has had its turn.
  await new Promise(setImmediate);
  for (const reason of failed()) {
    complain({ problems: [{ path: file, message: `a promise fails that nobody waits for: ${reason}` }] });
    conclude(ExitCode.COULD_NOT_RUN);
  }
  return verdict;
}

const eitherPatchOrQemu = (): InvalidInput =>
  new InvalidInput([{ path: '', message: 'expected either a patch or --qemu with the QEMU that has it' }]);

/** The verdict on one build of QEMU against another. */
async function judgeBinaries(
  { qemu, qemuBase, base, seed, runs = DEFAULT_RUNS.qemu }: ValidateCommandOptions,
  signal: AbortSignal,
): Promise<Verdict> {
  if (qemu === undefined || base !== undefined) throw eitherPatchOrQemu();
  const progress = terminalProgress(process.stderr);
  const before = await openQemu({ qemu: qemuBase, search: false });
  const after = await openQemu({ qemu, search: false }).catch(async (error: unknown) => {
    await before.close();
    throw error;
  });
  try {
    const stored: Scenario[] = [];
    for (const scenario of storedScenarios(NEWEST)) {
      if ((await before.canRun(scenario)) && (await after.canRun(scenario))) stored.push(scenario);
    }
    return await validate({
      sides: {
        base: { id: qemuBase ?? process.env['BARPROOF_QEMU'] ?? 'PATH', title: before.name, run: before.run },
        patched: { id: qemu, title: after.name, run: after.run },
      },
      stored,
      scenarios: before.scenarios,
      devices: REAL_DEVICES,
      iommus: ['vfio-user'],
      seed,
      runs,
      signal,
      ...(progress && { onProgress: progress }),
    });
  } finally {
    progress?.('');
    await Promise.all([before.close(), after.close()]);
  }
}

/** Keeps the promises that a patch leaves behind from ending the program; the result tells of them. */
function promisesThatFail(): () => readonly string[] {
  const reasons: string[] = [];
  const note = (reason: unknown): void => void reasons.push(whatWasThrown(reason));
  process.on('unhandledRejection', note);
  return () => {
    process.off('unhandledRejection', note);
    return reasons;
  };
}

function baseOf({ patch }: LoadedPatch, file: string, options: ValidateCommandOptions): Revision {
  if (options.base !== undefined) return requireQemuRevision(options.base, '--base');
  return naming(file, () => requireQemuRevision(patch.definition.base ?? NEWEST.id, 'base'));
}

/** The verdict, or nothing when the patch does not allow of one; then it has been said why. */
async function judge(
  loaded: LoadedPatch,
  file: string,
  base: Revision,
  { seed, runs = DEFAULT_RUNS.model, json }: ValidateCommandOptions,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const patched = naming(file, () => runPatched(loaded.patch, base));
  const generated = scenarios({ revision: base.id, iommuTypes: base.iommus });
  const progress = terminalProgress(process.stderr);
  try {
    return await validate({
      sides: {
        base: { id: base.id, title: base.title, run: (scenario) => runOnModel(scenario, base) },
        patched: { id: patched.revision.id, title: patched.revision.title, run: patched.run },
      },
      guard: patched.guard,
      stored: storedScenarios(base),
      scenarios: generated,
      devices: REAL_DEVICES,
      iommus: base.iommus,
      seed,
      runs,
      signal,
      ...(progress && { onProgress: progress }),
    });
  } catch (error) {
    progress?.('');
    if (error instanceof Unrepeatable) {
      report(
        `${file}: a rule answers otherwise when it is asked again; rules have to be pure`,
        error.scenario,
      );
    } else if (error instanceof FaultyRun) {
      const { fault, scenario } = shrinkFault(error, patched, generated);
      report(`${file}: ${fault.message}${placeIn(fault.cause, loaded.files)}`, scenario);
      if (json) {
        const { rule, what } = fault;
        process.stdout.write(toJsonText({ fault: { rule, what, scenario: encodeScenario(scenario) } }));
      }
    } else {
      throw error;
    }
    return undefined;
  } finally {
    progress?.('');
  }
}

/** Says what the patch did, and in which scenario. */
function report(message: string, scenario: Scenario): void {
  complain({ problems: [{ path: '', message }] });
  const lines = describeScenario(scenario).map((line) => `  ${line}\n`);
  process.stderr.write(`  in this scenario:\n${lines.join('')}`);
}

/** The cases that come with barproof, as far as the base can run them. */
function storedScenarios({ id, iommus }: Revision): readonly Scenario[] {
  return ['seed', 'known']
    .flatMap(ownRegressions)
    .map(({ regression: { scenario } }) => ({ ...scenario, revision: id }))
    .filter(({ host }) => iommus.includes(host.iommu.type));
}
