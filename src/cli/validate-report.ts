import { REAL_DEVICES } from '../../generators/index.ts';
import { verdictEvents, type EmitReportEvent } from '../readers/index.ts';
import {
  count,
  fittedText,
  patchFailureText,
  patchFailureToJson,
  problemsText,
  verdictText,
  verdictToJson,
} from '../report/index.ts';
import { toJsonText } from '../scenario/index.ts';
import { InvalidInput, printable, type Problem } from '../input/index.ts';
import {
  isUnreached,
  saveCounterexamples,
  type JudgeOptions,
  type PatchJudgement,
  type Verdict,
  type VerdictFinding,
} from '../validate/index.ts';
import { ExitCode } from './exit-code.ts';
import { judgeSides } from './judge-sides.ts';
import { VERSION } from './package.ts';
import { replayCounterexample, validateAgain } from './repeat-commands.ts';
import { shippedRegressions } from './shipped-regressions.ts';
import {
  DEFAULT_VALIDATE_RUNS,
  VALIDATE_PATIENCE,
  type ValidateCommandOptions,
} from './validate-command-options.ts';

/** The folders of stored cases that run first. A build runs too few generated cases to come upon all that once broke. */
const STORED_FOR_PATCHES = ['seed', 'known'] as const;
const STORED_FOR_BUILDS = [...STORED_FOR_PATCHES, 'bugs'] as const;

/** What `barproof validate` prints, and its exit code. */
export interface ValidateReport {
  /** For standard output. */
  readonly out: string;
  /** For standard error. */
  readonly err: string;
  readonly code: ExitCode;
}

/** The signal that ends the comparison early, and who is told of the progress and of the verdict. */
export interface ValidateHooks extends Pick<JudgeOptions, 'signal' | 'onProgress'> {
  readonly emit: EmitReportEvent;
}

/**
 * Judges a patch, or a pair of QEMU builds if there is no patch file.
 *
 * @param file the patch file.
 * @throws InvalidInput when the options or the file cannot be used.
 */
export async function reportOnSides(
  file: string | undefined,
  options: ValidateCommandOptions,
  { emit, ...hooks }: ValidateHooks,
): Promise<ValidateReport> {
  const onQemu = file === undefined || options.change !== undefined;
  const { result, rejections, built } = await judgeSides(file, options, {
    devices: REAL_DEVICES,
    shipped: (file === undefined ? STORED_FOR_BUILDS : STORED_FOR_PATCHES).flatMap(shippedRegressions),
    seed: options.seed,
    runs: options.runs ?? DEFAULT_VALIDATE_RUNS[onQemu ? 'qemu' : 'model'],
    ...(!onQemu && options.runs === undefined && { patience: VALIDATE_PATIENCE }),
    ...hooks,
  });
  const unhandled = rejections.map((reason) => ({
    path: file!,
    message: `a promise of the patch was rejected, and nothing handles the rejection: ${reason}`,
  }));
  const code = exitCodeOf(result, rejections, options.allowUnreached);
  for (const problem of unhandled) emit({ type: 'problem', problem });
  if ('failure' in result) {
    emit({ type: 'problem', problem: { path: file!, message: result.failure.message } });
    const data = patchFailureToJson(result.failure);
    const err = `${patchFailureText(file!, result.failure)}${problemsText(unhandled)}`;
    return { err, out: options.json && data !== undefined ? toJsonText(data) : '', code };
  }
  const { verdict } = result;
  const { files, problems } = store(verdict, file, { ...options, onQemu });
  const again = (finding: VerdictFinding): string | undefined => {
    const path = files.get(finding);
    const patch = onQemu ? { qemu: built ?? options.qemu! } : { patch: file! };
    return path && replayCounterexample(path, patch);
  };
  verdictEvents(
    verdict,
    emit,
    (finding) => ({ file: files.get(finding), again: again(finding) }),
    validateAgain(file, options),
  );
  for (const problem of problems) emit({ type: 'problem', problem });
  return {
    err: problemsText([...problems, ...unhandled]),
    out: options.json
      ? toJsonText(verdictToJson(verdict, files))
      : `${verdictText(verdict, again)}${storedLine(files, options.regressions)}`,
    code: problems.length > 0 && code === ExitCode.HOLDS ? ExitCode.COULD_NOT_RUN : code,
  };
}

/** The files of the counterexamples, and why they could not be stored: the verdict is told all the same. */
interface Stored {
  readonly files: ReadonlyMap<VerdictFinding, string>;
  readonly problems: readonly Problem[];
}

function store(
  verdict: Verdict,
  file: string | undefined,
  options: ValidateCommandOptions & { readonly onQemu: boolean },
): Stored {
  if (!options.save) return { files: new Map(), problems: [] };
  try {
    const files = saveCounterexamples(verdict, {
      directory: options.regressions,
      command: validateAgain(file, options),
      version: VERSION,
      date: new Date().toISOString().slice(0, 10),
      ...(options.onQemu && { target: verdict.sides.base.title }),
    });
    return { files, problems: [] };
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return { files: new Map(), problems: error.problems };
  }
}

/** Where the cases of the findings are. */
const storedLine = (files: Stored['files'], folder: string): string =>
  files.size === 0
    ? ''
    : `\n${fittedText([`the folder ${printable(folder)} holds ${count(files.size, 'case')} of this verdict`])}`;

function exitCodeOf(
  result: PatchJudgement['result'],
  rejections: PatchJudgement['rejections'],
  allowUnreached = false,
): ExitCode {
  if ('failure' in result || rejections.length > 0) return ExitCode.COULD_NOT_RUN;
  const { breaks, interrupted } = result.verdict;
  if (breaks) return ExitCode.COUNTEREXAMPLE;
  // Cases that were not run might break something, and so might code that no case ran.
  const isUnknown = interrupted || (isUnreached(result.verdict) && !allowUnreached);
  return isUnknown ? ExitCode.COULD_NOT_RUN : ExitCode.HOLDS;
}
