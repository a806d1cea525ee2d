import { qemuHistories, qemuScenarios, scenarios } from '../../generators/index.ts';
import * as library from '../index.ts';
import { InvalidInput } from '../input/index.ts';
import { scopeOf } from '../model/index.ts';
import { judgePatch, judgeTargets, type JudgeOptions, type PatchJudgement } from '../validate/index.ts';
import { loadQemu } from './open-target.ts';
import type { InterfaceChoice } from './target-options.ts';
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
  const { base, qemu, qemuBase, interface: chosen, realistic = false } = options;
  if (file === undefined) {
    if (qemu === undefined) throw invalid('expected a patch file, or --qemu with the path of a patched QEMU');
    if (base !== undefined) throw invalid('--base is for patch files; use --qemu-base with --qemu');
    return judgeBuilds({ patched: qemu, base: qemuBase, interface: chosen ?? 'both', realistic }, judge);
  }
  if (qemu !== undefined || qemuBase !== undefined) {
    throw invalid('expected either a patch file or --qemu and --qemu-base, not both');
  }
  if (chosen !== undefined) throw invalid('--interface is for builds of QEMU: expected with --qemu');
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
}

async function judgeBuilds(builds: Builds, judge: JudgeOptions): Promise<PatchJudgement> {
  const { patched, base, realistic } = builds;
  const pair = await (await loadQemu()).openQemuPair(builds);
  try {
    const id = base ?? process.env['BARPROOF_QEMU'] ?? 'PATH';
    const verdict = await judgeTargets({
      ...judge,
      sides: {
        base: { id, version: pair.base.version, target: pair.base },
        patched: { id: patched, version: pair.patched.version, target: pair.patched },
      },
      machines: pair.machines,
      trivial: pair.trivial,
      both: pair.run,
      scenarios: qemuScenarios(pair.machines, { realistic }),
      draws: qemuHistories({ ...LISTS, realistic }, pair.machines),
    });
    return { result: { verdict }, rejections: [] };
  } finally {
    await pair.close();
  }
}

const invalid = (message: string): InvalidInput => new InvalidInput([{ path: '', message }]);
