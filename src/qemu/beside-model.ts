import type { DeviceSpec, Scenario } from '../scenario/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { runOnModel } from '../model/index.ts';
import type { Trace } from '../trace/index.ts';
import type { QemuMachineType } from './process/architecture.ts';
import { overshoots } from './overshoot.ts';
import type { QemuTarget } from './qemu-target.ts';

/** The QEMU release of the model's newest revision: `11.1`. */
const RELEASE = NEWEST.id.slice('qemu-'.length);

/**
 * Why a QEMU is not compared with the model.
 *
 * @param version such as `11.1.3`.
 * @returns nothing where the newest revision of the model describes this version.
 */
export const whyNotOfModel = (version: string): string | undefined =>
  version.startsWith(`${RELEASE}.`)
    ? undefined
    : `the model describes QEMU ${RELEASE}, this is QEMU ${version}`;

/**
 * Runs a scenario on a real QEMU and then on the model, and puts the model's trace beside QEMU's. The model runs the
 * scenario that QEMU has carried out, which may be a variant of `scenario`. Where the two cannot be compared, the trace
 * says why.
 *
 * @throws NotRunnable, QemuNotFound, QemuUnusable.
 */
export async function runBesideModel(
  target: Pick<QemuTarget, 'run' | 'inspect'>,
  scenario: Scenario,
): Promise<Trace> {
  const trace = await target.run(scenario);
  const { version } = await target.inspect(scenario.machine.type as QemuMachineType);
  const notCompared = whyNotOfModel(version) ?? whyUnpredictable(trace.scenario);
  return notCompared === undefined
    ? { ...trace, model: runOnModel(trace.scenario, NEWEST) }
    : { ...trace, notCompared };
}

function whyUnpredictable(scenario: Scenario): string | undefined {
  if (overshoots(scenario))
    return 'QEMU overwrites its own memory, and the effects of that are unpredictable';
  if (scenario.devices.some(hasQuirk)) return 'QEMU lays regions of its own over the BARs of this device';
  return undefined;
}

/** Devices with a quirk that shows in the memory map (QEMU hw/vfio/pci-quirks.c, vfio_bar_quirk_setup). */
const hasQuirk = ({ vendor, device }: DeviceSpec): boolean =>
  vendor === NVIDIA || vendor === ATI || (vendor === REALTEK && device === RTL8168);

const NVIDIA = 0x10de;
const ATI = 0x1002;
const REALTEK = 0x10ec;
const RTL8168 = 0x8168;
