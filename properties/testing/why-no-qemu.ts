import { whyNotOfModel, type QemuMachineType, type QemuTarget } from '../../src/qemu/index.ts';
import { TargetUnavailable } from '../../src/trace/index.ts';

/** Why scenarios of this machine cannot run here on a real QEMU; nothing where they can. */
export async function whyNoQemu(
  target: QemuTarget,
  machine: QemuMachineType = 'q35',
): Promise<string | undefined> {
  try {
    await target.inspect(machine);
    return undefined;
  } catch (error) {
    if (error instanceof TargetUnavailable) return error.message;
    throw error;
  }
}

/** Why this machine of a real QEMU cannot be compared with the model; nothing where it can. */
export const whyNotComparable = async (
  target: QemuTarget,
  machine: QemuMachineType = 'q35',
): Promise<string | undefined> =>
  (await whyNoQemu(target, machine)) ?? whyNotOfModel((await target.inspect(machine)).version);
