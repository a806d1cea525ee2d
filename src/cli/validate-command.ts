import { Command } from 'commander';
import { REAL_DEVICES } from '../../generators/index.ts';
import { patchFailureText, patchFailureToJson, verdictText, verdictToJson } from '../report/index.ts';
import { toJsonText } from '../scenario/index.ts';
import type { JudgeOptions, PatchJudgement } from '../validate/index.ts';
import { examples } from './examples.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { withInterrupt } from './interrupt.ts';
import { judgeSides, type SideOptions } from './judge-sides.ts';
import { seedText, wholeNumber } from './option-values.ts';
import { printProblems } from './print-problems.ts';
import { shippedRegressions } from './shipped-regressions.ts';
import { terminalProgress } from './terminal-progress.ts';

interface ValidateCommandOptions extends SideOptions {
  readonly seed: string;
  readonly runs?: number;
  readonly json?: true;
}

const DEFAULT_RUNS = { model: 4000, qemu: 200 } as const;

const ABOUT_EXIT_CODES = `
Exit codes: 0 the patch breaks nothing, 1 the patch breaks something, 2 the patch could not be judged.`;

/** `barproof validate`: judges what a patch mends, breaks and costs. */
export const validateCommand = (raiseExitCode: RaiseExitCode): Command =>
  new Command('validate')
    .description('judge a patch: run the same scenarios with and without it')
    .addHelpText(
      'before',
      examples([
        ['barproof validate my-patch.ts', 'a patch file, on the base that it names'],
        ['barproof validate my-patch.ts --base qemu-6.0', 'the same patch file on another revision'],
        ['barproof validate my-patch.ts --json', 'the verdict as JSON'],
        ['barproof validate --qemu ~/new --qemu-base ~/old', 'two builds of QEMU'],
      ]),
    )
    .addHelpText('after', ABOUT_EXIT_CODES)
    .argument('[patch]', 'a patch file in TypeScript or JavaScript; barproof new-patch writes a template')
    .option('--base <revision>', 'the revision to put the patch on, instead of the one that it names')
    .option('--qemu <path>', 'in place of a patch file: a patched QEMU, binary or folder')
    .option('--qemu-base <path>', 'the QEMU to compare with; default: BARPROOF_QEMU, then PATH')
    .option('--seed <text>', 'the same seed gives the same cases', seedText, 'barproof')
    .option(
      '--runs <number>',
      `number of generated cases, besides the stored ones; default: ${DEFAULT_RUNS.model}, or ${DEFAULT_RUNS.qemu} on real QEMUs`,
      wholeNumber,
    )
    .option('--json', 'the verdict as JSON')
    .action((file: string | undefined, options: ValidateCommandOptions) =>
      withInterrupt(async (signal) => {
        const progress = terminalProgress(process.stderr);
        const judge: JudgeOptions = {
          devices: REAL_DEVICES,
          shipped: ['seed', 'known'].flatMap(shippedRegressions),
          seed: options.seed,
          runs: options.runs ?? DEFAULT_RUNS[file === undefined ? 'qemu' : 'model'],
          signal,
          ...(progress && { onProgress: progress }),
        };
        const judging = judgeSides(file, options, judge);
        const { result, rejections } = await judging.finally(() => progress?.(''));
        const data = 'verdict' in result ? verdictToJson(result.verdict) : patchFailureToJson(result.failure);
        if ('failure' in result) process.stderr.write(patchFailureText(file!, result.failure));
        printProblems(
          rejections.map((reason) => ({
            path: file!,
            message: `a promise of the patch was rejected, and nothing handles the rejection: ${reason}`,
          })),
        );
        if (!options.json && 'verdict' in result) process.stdout.write(verdictText(result.verdict));
        if (options.json && data !== undefined) process.stdout.write(toJsonText(data));
        raiseExitCode(exitCodeOf(result, rejections));
      }),
    );

function exitCodeOf(result: PatchJudgement['result'], rejections: PatchJudgement['rejections']): ExitCode {
  if ('failure' in result || rejections.length > 0) return ExitCode.COULD_NOT_RUN;
  const { breaks, interrupted } = result.verdict;
  // Cases that were not run might break something.
  return breaks ? ExitCode.COUNTEREXAMPLE : interrupted ? ExitCode.COULD_NOT_RUN : ExitCode.HOLDS;
}
