import { realisticServedScenarios, scenarios, servedScenarios } from '../../generators/index.ts';
import * as library from '../index.ts';
import { InvalidInput } from '../input/index.ts';
import { scopeOf } from '../model/index.ts';
import { judgePatch, judgeTargets, type JudgeOptions, type PatchJudgement } from '../validate/index.ts';
import { loadQemu } from './open-target.ts';
import type { SideOptions } from './validate-command-options.ts';

/**
 * Judges a patch file, or one build of QEMU against another if there is no file.
 *
 * @throws InvalidInput when the options ask for both, or for neither.
 */
export async function judgeSides(
  file: string | undefined,
  options: SideOptions,
  judge: JudgeOptions,
): Promise<PatchJudgement> {
  const { base, qemu, qemuBase, realistic = false } = options;
  if (file === undefined) {
    if (qemu === undefined) throw invalid('expected a patch file, or --qemu with the path of a patched QEMU');
    if (base !== undefined) throw invalid('--base is for patch files; use --qemu-base with --qemu');
    return judgeBuilds({ patched: qemu, base: qemuBase, realistic }, judge);
  }
  if (qemu !== undefined || qemuBase !== undefined) {
    throw invalid('expected either a patch file or --qemu and --qemu-base, not both');
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
}

async function judgeBuilds(
  { patched, base, realistic }: Builds,
  judge: JudgeOptions,
): Promise<PatchJudgement> {
  const pair = await (await loadQemu()).openQemuPair({ base, patched });
  try {
    const verdict = await judgeTargets({
      ...judge,
      sides: {
        base: { id: base ?? process.env['BARPROOF_QEMU'] ?? 'PATH', target: pair.base },
        patched: { id: patched, target: pair.patched },
      },
      scenarios: (realistic ? realisticServedScenarios : servedScenarios)(...pair.base.machines),
    });
    return { result: { verdict }, rejections: [] };
  } finally {
    await pair.close();
  }
}

const invalid = (message: string): InvalidInput => new InvalidInput([{ path: '', message }]);
