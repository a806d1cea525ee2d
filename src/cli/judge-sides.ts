import { realisticServedScenarios, scenarios, servedScenarios } from '../../generators/index.ts';
import * as library from '../index.ts';
import { InvalidInput } from '../input/index.ts';
import { scopeOf } from '../model/index.ts';
import {
  judgePatch,
  judgeTargets,
  type JudgeOptions,
  type PatchJudgement,
  type Verdict,
} from '../validate/index.ts';
import { judgeTree, type JudgeBuilt } from './judge-tree.ts';
import { loadQemu } from './open-target.ts';
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
  const { base, change, qemu, qemuBase, realistic = false } = options;
  if (file === undefined) {
    if (qemu === undefined) throw invalid('expected a patch file, or --qemu with the path of a patched QEMU');
    if (base !== undefined) throw invalid('--base is for patch files; use --qemu-base with --qemu');
    const verdict = await judgeBuilds({ patched: qemu, base: qemuBase, realistic }, judge);
    return { result: { verdict }, rejections: [] };
  }
  if (qemu !== undefined || qemuBase !== undefined) {
    throw invalid('expected either a patch file or --qemu and --qemu-base, not both');
  }
  if (change !== undefined) {
    if (base !== undefined)
      throw invalid('--base is for patch files of the model; use --onto with patches in C');
    const judgeBuilt: JudgeBuilt = (sides, judge, around) =>
      judgeBuilds({ ...sides, realistic, around }, judge);
    const { verdict, patched } = await judgeTree(change, options, judge, judgeBuilt);
    return { result: { verdict }, rejections: [], built: patched };
  }
  return judgePatch({
    ...judge,
    file,
    base,
    library: { barproof: library },
    scenariosFor: (revision) => scenarios({ ...scopeOf(revision), realistic }),
  });
}

/** Two builds of QEMU: paths of the user, and whether to draw only realistic scenarios. */
interface Builds {
  readonly patched: string;
  readonly base: string | undefined;
  readonly realistic: boolean;
  /** What the verdict calls them; their paths when left out. */
  readonly names?: { readonly base: string; readonly patched: string };
  /** What runs around each case of the patched side. */
  readonly around?: Parameters<JudgeBuilt>[2];
}

async function judgeBuilds(
  { patched, base, realistic, names, around = (target) => target }: Builds,
  judge: JudgeOptions,
): Promise<Verdict> {
  const pair = await (await loadQemu()).openQemuPair({ base, patched });
  try {
    return await judgeTargets({
      ...judge,
      sides: {
        base: { id: names?.base ?? base ?? process.env['BARPROOF_QEMU'] ?? 'PATH', target: pair.base },
        patched: { id: names?.patched ?? patched, target: around(pair.patched) },
      },
      scenarios: (realistic ? realisticServedScenarios : servedScenarios)(...pair.base.machines),
    });
  } finally {
    await pair.close();
  }
}

const invalid = (message: string): InvalidInput => new InvalidInput([{ path: '', message }]);
