import type * as fc from 'fast-check';
import type { StoredRegression } from '../campaign/index.ts';
import { prefixProblems } from '../input/index.ts';
import { COMMON_INVARIANTS, examine, fingerprintText } from '../invariants/index.ts';
import { requireRevision, runOnModel, scopeOf, type AnyRevision } from '../model/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { whatWasThrown } from './guard.ts';
import { baseOfPatch, loadPatch, placeIn, type Library, type LoadedPatch } from './load-patch.ts';
import { FaultyRun, runPatched, type PatchedRun } from './patched-run.ts';
import { Unrepeatable } from './shrink-difference.ts';
import { shrinkFault } from './shrink-fault.ts';
import { storedScenarios } from './stored-scenarios.ts';
import { validate, type ValidateOptions, type Verdict } from './verdict.ts';

/** How far to judge, whether the sides are revisions of the model or builds of QEMU. */
export interface JudgeOptions extends Pick<
  ValidateOptions,
  'devices' | 'seed' | 'runs' | 'patience' | 'onProgress' | 'signal'
> {
  /** The cases that come with barproof: they are run first, on both sides. */
  readonly shipped: readonly StoredRegression[];
}

/** A patch file, and how far to judge it. */
export interface JudgePatchOptions extends JudgeOptions {
  readonly file: string;
  /** What the patch may import by name. */
  readonly library: Library;
  /** Id of the revision to put the patch on; the one that the patch names when left out. */
  readonly base?: string | undefined;
  /** The scenarios to generate for a base. */
  readonly scenariosFor: (base: AnyRevision) => fc.Arbitrary<Scenario>;
}

/** Why a patch cannot be judged: what one of its rules does, and in which scenario. */
export interface PatchFailure {
  readonly message: string;
  readonly scenario: Scenario;
  /** The rule that throws or misbehaves, and how; left out for rules that do not repeat their answers. */
  readonly fault?: { readonly rule: string; readonly what: string };
}

/** What came of judging a patch file. */
export interface PatchJudgement {
  /** The verdict, or why there is none. */
  readonly result: { readonly verdict: Verdict } | { readonly failure: PatchFailure };
  /** What the patch's promises were rejected with where nothing handles a rejection. */
  readonly rejections: readonly string[];
}

/**
 * Loads a patch file and runs the same scenarios on its base with and without it.
 *
 * @throws InvalidInput when the file is no patch, or the base does not exist or does not fit it.
 */
export async function judgePatch(options: JudgePatchOptions): Promise<PatchJudgement> {
  const rejections: string[] = [];
  // A rejection that nothing handles would end the program.
  const note = (reason: unknown): void => void rejections.push(whatWasThrown(reason));
  process.on('unhandledRejection', note);
  try {
    const result = await judgeLoaded(loadFile(options), options);
    await unhandledRejections();
    return { result, rejections };
  } finally {
    await unhandledRejections();
    process.off('unhandledRejection', note);
  }
}

/** Waits until Node has reported the rejections so far that nothing handles. */
const unhandledRejections = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * The first smallest case that ends otherwise in a patch that is loaded anew: a rule that has gone over to other answers in
 * the course of the search gives the old ones there.
 *
 * @throws FaultyRun when a rule throws there.
 */
function caseOfState({ findings }: Verdict, options: JudgePatchOptions): Scenario | undefined {
  return findings.find(({ counterexample: { scenario, traces } }) => {
    const { run, guard } = loadFile(options).patched;
    return causesIn(guard(() => run(scenario))) !== causesIn(traces.patched);
  })?.counterexample.scenario;
}

const causesIn = (trace: Trace): string =>
  COMMON_INVARIANTS.flatMap((invariant) => examine(trace, invariant).violations)
    .map(fingerprintText)
    .toSorted()
    .join();

interface PatchOnBase {
  readonly loaded: LoadedPatch;
  readonly base: AnyRevision;
  readonly patched: PatchedRun;
}

function loadFile({ file, library, base: id }: JudgePatchOptions): PatchOnBase {
  const loaded = prefixProblems(file, () => loadPatch(file, library));
  const { definition } = loaded.patch;
  const release =
    id === undefined
      ? prefixProblems(file, () => requireRevision(definition.base ?? NEWEST.id, 'base'))
      : requireRevision(id, '--base');
  const base = prefixProblems(file, () => baseOfPatch(loaded, release));
  const patched = prefixProblems(file, () => runPatched(loaded.patch, base));
  return { loaded, base, patched };
}

async function judgeLoaded(
  { loaded, base, patched }: PatchOnBase,
  judgement: JudgePatchOptions,
): Promise<PatchJudgement['result']> {
  const { scenariosFor, shipped, ...options } = judgement;
  const scenarios = scenariosFor(base);
  try {
    const verdict = await validate({
      ...options,
      sides: {
        base: { id: base.id, title: base.title, run: (scenario) => runOnModel(scenario, base) },
        patched: { id: patched.revision.id, title: patched.revision.title, run: patched.run },
      },
      guard: patched.guard,
      stored: storedScenarios(shipped, base),
      scenarios,
      iommus: base.iommus,
      machines: scopeOf(base).machineTypes,
    });
    const stateful = caseOfState(verdict, judgement);
    if (stateful !== undefined) {
      const message =
        'a case gives another result when the patch is loaded anew: a rule keeps state from one case to the next';
      return { failure: { message, scenario: stateful } };
    }
    return { verdict: { ...verdict, rules: patched.uses() } };
  } catch (error) {
    if (error instanceof Unrepeatable) {
      const message =
        'the same scenario gives another result when it is run again: a rule is not a pure function of its arguments';
      return { failure: { message, scenario: error.scenario } };
    }
    if (!(error instanceof FaultyRun)) throw error;
    options.onProgress?.('shrinking the case of the fault');
    const { fault, scenario } = shrinkFault(error, patched, scenarios);
    const message = `${fault.message}${placeIn(fault.cause, loaded.files)}`;
    return { failure: { message, scenario, fault: { rule: fault.rule, what: fault.what } } };
  }
}
