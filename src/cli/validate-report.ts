import { REAL_DEVICES } from '../../generators/index.ts';
import {
  patchFailureText,
  patchFailureToJson,
  problemsText,
  verdictText,
  verdictToJson,
} from '../report/index.ts';
import { toJsonText } from '../scenario/index.ts';
import type { JudgeOptions, PatchJudgement } from '../validate/index.ts';
import { ExitCode } from './exit-code.ts';
import { judgeSides } from './judge-sides.ts';
import { shippedRegressions } from './shipped-regressions.ts';
import { DEFAULT_VALIDATE_RUNS, type ValidateCommandOptions } from './validate-command-options.ts';

/** What `barproof validate` prints, and its exit code. */
export interface ValidateReport {
  /** For standard output. */
  readonly out: string;
  /** For standard error. */
  readonly err: string;
  readonly code: ExitCode;
}

/**
 * Judges a patch, or a pair of QEMU builds if there is no patch file.
 *
 * @param file the patch file.
 * @param hooks the signal that ends the comparison early, and what is told of the progress.
 * @throws InvalidInput when the options or the file cannot be used.
 */
export async function reportOnSides(
  file: string | undefined,
  options: ValidateCommandOptions,
  hooks: Pick<JudgeOptions, 'signal' | 'onProgress'>,
): Promise<ValidateReport> {
  const { result, rejections } = await judgeSides(file, options, {
    devices: REAL_DEVICES,
    shipped: ['seed', 'known'].flatMap(shippedRegressions),
    seed: options.seed,
    runs: options.runs ?? DEFAULT_VALIDATE_RUNS[file === undefined ? 'qemu' : 'model'],
    ...hooks,
  });
  const data = 'verdict' in result ? verdictToJson(result.verdict) : patchFailureToJson(result.failure);
  const unhandled = rejections.map((reason) => ({
    path: file!,
    message: `a promise of the patch was rejected, and nothing handles the rejection: ${reason}`,
  }));
  return {
    err: `${'failure' in result ? patchFailureText(file!, result.failure) : ''}${problemsText(unhandled)}`,
    out: [
      !options.json && 'verdict' in result ? verdictText(result.verdict) : '',
      options.json && data !== undefined ? toJsonText(data) : '',
    ].join(''),
    code: exitCodeOf(result, rejections),
  };
}

function exitCodeOf(result: PatchJudgement['result'], rejections: PatchJudgement['rejections']): ExitCode {
  if ('failure' in result || rejections.length > 0) return ExitCode.COULD_NOT_RUN;
  const { breaks, interrupted } = result.verdict;
  // Cases that were not run might break something.
  return breaks ? ExitCode.COUNTEREXAMPLE : interrupted ? ExitCode.COULD_NOT_RUN : ExitCode.HOLDS;
}
