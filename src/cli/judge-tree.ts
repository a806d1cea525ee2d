import { basename } from 'node:path';
import { InvalidInput, printable } from '../input/index.ts';
import { architectureOf, isQemuMachine } from '../qemu/process/architecture.ts';
import {
  buildSides,
  coverageOf,
  DEFAULT_TARGETS,
  filesOf,
  isNeverBuilt,
  openTreeCache,
  openUserTree,
  ReachedPlaces,
  runsThrough,
  Stages,
  type BuiltSides,
  type Commit,
  type UserTree,
} from '../qemu-tree/index.ts';
import type { Scenario } from '../scenario/index.ts';
import {
  surroundingsOf,
  type CaseLists,
  type JudgeOptions,
  type PatchOnTree,
  type Verdict,
} from '../validate/index.ts';
import { FurtherCases } from './further-cases.ts';
import type { CChange } from './patch-source.ts';
import type { SideOptions } from './validate-command-options.ts';

/** Runs a case, and looks at what it does. */
export type Around = <T>(scenario: Scenario, run: () => Promise<T>) => Promise<T>;

/** Watches the cases, and chooses more of them. */
export interface CaseWatch {
  /** What runs around each case. */
  readonly around: Around;
  /** Chooses cases of a pool beyond those asked for. */
  readonly choose: (pool: CaseLists) => Promise<readonly Scenario[]>;
}

/** Judges two builds of QEMU: their folders and names. */
export type JudgeBuilt = (
  builds: Record<'base' | 'patched', string> & { readonly names: Record<'base' | 'patched', string> },
  judge: JudgeOptions,
  watch: CaseWatch,
) => Promise<Verdict>;

/** A verdict on C code, and the patched QEMU, which the cache keeps. */
export interface TreeVerdict {
  readonly verdict: Verdict;
  readonly patched: string;
}

/**
 * Builds the base and the patch, judges the two, and says which changed functions the cases ran.
 *
 * @throws InvalidInput where there is no tree, and TreeFailure where one side cannot be built.
 */
export async function judgeTree(
  change: CChange,
  options: SideOptions,
  judge: JudgeOptions,
  judgeBuilt: JudgeBuilt,
): Promise<TreeVerdict> {
  const { signal, onProgress = () => undefined } = judge;
  const folder = options.qemuTree ?? process.env['BARPROOF_QEMU_TREE'];
  if (!folder)
    throw invalid('a patch in C needs a QEMU source: name its folder by --qemu-tree or BARPROOF_QEMU_TREE');
  const cache = openTreeCache();
  const stages = new Stages(onProgress);
  let built: BuiltSides | undefined;
  let reached: ReachedPlaces | undefined;
  try {
    const tree = await openUserTree(folder, cache.unpacked(), signal);
    const base = await baseOf(change, tree, options.onto);
    const patch =
      'series' in change
        ? { series: change.series }
        : { commit: await tree.resolve(change.to, change.range) };
    const files = 'commit' in patch ? await tree.filesBetween(base, patch.commit) : filesOf(patch.series);
    const requireDifference = (isThere: boolean, leftOut: BuiltSides['leftOut'] = {}): void => {
      if (!isThere && !options.allowUnreached) throw invalid(nothingCompiled(files, leftOut));
    };
    requireDifference(!files.every(isNeverBuilt));
    const targets = options.targetList ?? DEFAULT_TARGETS;
    built = await buildSides({ tree, base, targets, change: patch, cache, stages, signal });
    stages.close();
    requireDifference(built.objects > 0, built.leftOut);
    const { done } = stages;
    const places = (reached = new ReachedPlaces());
    const further = furtherFor(built, places);
    const verdict = await judgeBuilt(
      { ...built, names: { base: base.title, patched: `${base.title} with the patch` } },
      { ...judge, onProgress: (line) => onProgress(`${done} · ${line}`) },
      { around: aroundIn(places), choose: (pool) => further.choose(pool) },
    );
    return {
      verdict: {
        ...verdict,
        tree: {
          ...(await describe(subjectOf(change), files, base, built, places)),
          ...(further.told && { further: further.told }),
        },
      },
      patched: built.patched,
    };
  } finally {
    stages.close();
    reached?.close();
    built?.release();
  }
}

/** Notes the places that each case comes to. */
const aroundIn =
  (places: ReachedPlaces): Around =>
  (scenario, run) => {
    const { type } = scenario.machine;
    if (!isQemuMachine(type)) return run();
    const about = { architecture: architectureOf(type), surroundings: surroundingsOf(scenario) };
    return places.during(about, run);
  };

const furtherFor = ({ functions, programs }: BuiltSides, { runs }: ReachedPlaces): FurtherCases =>
  new FurtherCases(async () => {
    const through = await runsThrough(functions, programs, runs);
    return {
      functions: functions.map(({ name, compiled }, index) => ({
        name,
        compiled,
        surroundings: through[index]!.map(({ surroundings }) => surroundings),
      })),
      surroundings: runs.map(({ surroundings }) => surroundings),
    };
  });

/** The base that the user names, else the one that the author names, else what the tree holds now. */
function baseOf(change: CChange, tree: UserTree, onto: string | undefined): Promise<Commit> {
  if ('range' in change) return tree.resolve(change.from, change.range);
  if (onto !== undefined) return tree.resolve(onto, '--onto');
  const { baseCommit } = change.series;
  return baseCommit === undefined
    ? tree.resolve('HEAD', '--qemu-tree')
    : tree.resolve(
        baseCommit,
        `the patch names its base (base-commit); fetch it, or name another base by --onto`,
      );
}

/** Why there is no verdict on a patch that changes no file that is compiled. */
function nothingCompiled(files: readonly string[], leftOut: BuiltSides['leftOut']): string {
  const others = Object.entries(leftOut).map(
    ([file, targets]) => `; --target-list ${targets.join(' or ')} compiles ${file}`,
  );
  const what =
    files.length === 0
      ? 'the patch changes no file'
      : `nothing of the patch is compiled here: ${files.join(', ')}${others.join('')}`;
  return `${what}; there is no verdict (--allow-unreached compares all the same)`;
}

const subjectOf = (change: CChange): string =>
  printable('range' in change ? change.range : (change.series.subject ?? basename(change.file)));

async function describe(
  subject: string,
  files: readonly string[],
  base: Commit,
  built: BuiltSides,
  reached: ReachedPlaces,
): Promise<PatchOnTree> {
  return {
    subject,
    files,
    base: base.title,
    configuration: built.configuration,
    objects: built.objects,
    functions: (await coverageOf(built.functions, built.programs, reached.runs)).map((one) => ({
      ...one,
      ...(built.leftOut[one.file] && { compiledFor: built.leftOut[one.file]! }),
    })),
    runs: reached.runs.length,
    outside: built.code.outside,
  };
}

const invalid = (message: string): InvalidInput => new InvalidInput([{ path: '', message }]);
