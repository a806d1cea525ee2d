import { whyNotOfModel, type QemuMachineType, type QemuTarget } from '../../src/qemu/index.ts';
import { TargetUnavailable } from '../../src/trace/index.ts';

/** Why the machine cannot be tested on a real QEMU here; `undefined` where it can. */
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

/** Why a real QEMU's machine cannot be compared with the model; `undefined` where it can. */
export const whyNotComparable = async (
  target: QemuTarget,
  machine: QemuMachineType = 'q35',
): Promise<string | undefined> =>
  (await whyNoQemu(target, machine)) ?? whyNotOfModel((await target.inspect(machine)).version);
