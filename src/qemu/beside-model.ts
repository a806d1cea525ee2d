import type { Scenario } from '../scenario/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { runOnModel } from '../model/index.ts';
import type { Trace } from '../trace/index.ts';
import type { QemuMachineType } from './process/architecture.ts';
import { overshoots } from './overshoot.ts';
import type { QemuTarget } from './qemu-target.ts';

/** The release that the newest revision of the model is named after: `11.1`. */
const RELEASE = NEWEST.id.slice('qemu-'.length);

/**
 * Why a QEMU is not held to the model.
 *
 * @param version as `11.1.3`.
 * @returns nothing where the newest revision of the model describes it.
 */
export const whyNotOfModel = (version: string): string | undefined =>
  version.startsWith(`${RELEASE}.`) ? undefined : `the model is of ${RELEASE}, this is QEMU ${version}`;

/**
 * Runs a scenario on a real QEMU, and puts beside its trace what the model makes of the same: of what was
 * carried out, which may be a variant. Where the two cannot be compared the trace says why.
 *
 * @throws what `run` of the target throws.
 */
export async function runBesideModel(
  target: Pick<QemuTarget, 'run' | 'inspect'>,
  scenario: Scenario,
): Promise<Trace> {
  const trace = await target.run(scenario);
  const { version } = await target.inspect(scenario.machine.type as QemuMachineType);
  const notCompared = whyNotOfModel(version) ?? whyLuck(trace.scenario);
  return notCompared === undefined
    ? { ...trace, model: runOnModel(trace.scenario, NEWEST) }
    : { ...trace, notCompared };
}

const whyLuck = (scenario: Scenario): string | undefined =>
  overshoots(scenario) ? 'QEMU overwrites memory of its own, and what comes of that is luck' : undefined;
