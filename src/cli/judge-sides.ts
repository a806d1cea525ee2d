import * as fc from 'fast-check';
import { qemuHistories, qemuScenarios, scenarios } from '../../generators/index.ts';
import { deriveSeed } from '../campaign/index.ts';
import * as library from '../index.ts';
import { InvalidInput } from '../input/index.ts';
import { scopeOf } from '../model/index.ts';
import {
  judgePatch,
  judgeTargets,
  type CaseLists,
  type JudgeOptions,
  type PatchJudgement,
  type Verdict,
} from '../validate/index.ts';
import { judgeTree, type CaseWatch, type JudgeBuilt } from './judge-tree.ts';
import { loadQemu } from './open-target.ts';
import type { InterfaceChoice } from './target-options.ts';
import type { SideOptions } from './validate-command-options.ts';

/** What came of judging two sides. */
export interface SidesJudgement extends PatchJudgement {
  /** The folder of the patched QEMU, where one was built. */
  readonly built?: string;
}

/**
 * Judges a patch file, a patch in C, or one build of QEMU against another if there is no file.
 *
 * @throws InvalidInput when the options ask for both, or for neither.
 */
export async function judgeSides(
  file: string | undefined,
  options: SideOptions,
  judge: JudgeOptions,
): Promise<SidesJudgement> {
  const { base, change, qemu, qemuBase, interface: chosen, realistic = false } = options;
  const kind = { interface: chosen ?? 'both', realistic } as const;
  if (file === undefined) {
    if (qemu === undefined) throw invalid('expected a patch file, or --qemu with the path of a patched QEMU');
    if (base !== undefined) throw invalid('--base is for patch files; use --qemu-base with --qemu');
    const verdict = await judgeBuilds({ patched: qemu, base: qemuBase, ...kind }, judge);
    return { result: { verdict }, rejections: [] };
  }
  if (qemu !== undefined || qemuBase !== undefined) {
    throw invalid('expected either a patch file or --qemu and --qemu-base, not both');
  }
  if (change !== undefined) {
    if (base !== undefined)
      throw invalid('--base is for patch files of the model; use --onto with patches in C');
    const judgeBuilt: JudgeBuilt = (sides, judge, watch) => judgeBuilds({ ...sides, ...kind, watch }, judge);
    const { verdict, patched } = await judgeTree(change, options, judge, judgeBuilt);
    return { result: { verdict }, rejections: [], built: patched };
  }
  if (chosen !== undefined)
    throw invalid('--interface is for builds of QEMU: expected with --qemu or --qemu-tree');
  return judgePatch({
    ...judge,
    file,
    base,
    library: { barproof: library },
    scenariosFor: (revision) => scenarios({ ...scopeOf(revision), realistic }),
  });
}

/** How many lists of cases are compared at a time, and their size: fewer in a list are more hosts and devices. */
const LISTS = { lanes: 2, histories: 2, sets: 3 };

/** Two builds of QEMU: paths of the user, and which scenarios to draw. */
interface Builds {
  readonly patched: string;
  readonly base: string | undefined;
  readonly interface: InterfaceChoice;
  readonly realistic: boolean;
  /** What the verdict calls them; their paths when left out. */
  readonly names?: { readonly base: string; readonly patched: string };
  readonly watch?: CaseWatch;
}

async function judgeBuilds(builds: Builds, judge: JudgeOptions): Promise<Verdict> {
  const { patched, base, realistic, names, watch } = builds;
  const pair = await (await loadQemu()).openQemuPair(builds);
  try {
    const around: CaseWatch['around'] = watch?.around ?? ((_, run) => run());
    const draws = qemuHistories({ ...LISTS, realistic }, pair.machines);
    let pool: CaseLists | undefined;
    const id = names?.base ?? base ?? process.env['BARPROOF_QEMU'] ?? 'PATH';
    return await judgeTargets({
      ...judge,
      sides: {
        base: { id, version: pair.base.version, target: pair.base },
        patched: { id: names?.patched ?? patched, version: pair.patched.version, target: pair.patched },
      },
      machines: pair.machines,
      trivial: pair.trivial,
      both: (scenario) => around(scenario, async () => pair.run(scenario)),
      ...(watch && { further: () => watch.choose((pool ??= poolOf(draws, judge.seed))) }),
      scenarios: qemuScenarios(pair.machines, { realistic }),
      draws,
    });
  } finally {
    await pair.close();
  }
}

/** How many draws are looked through for further cases: in so many every kernel and container has some. */
const POOL = 200;

/** Lists of cases that the search has not drawn; the same for a seed. */
const poolOf = (draws: fc.Arbitrary<CaseLists>, seed: string): CaseLists =>
  fc.sample(draws, { seed: deriveSeed(seed, 'further cases'), numRuns: POOL }).flat();

const invalid = (message: string): InvalidInput => new InvalidInput([{ path: '', message }]);
