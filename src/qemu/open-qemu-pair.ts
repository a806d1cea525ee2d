import type { Scenario } from '../scenario/index.ts';
import { openQemu, type MachinesByWay, type OpenQemu } from './open-qemu.ts';
import type { QemuMachineType } from './process/architecture.ts';
import { QemuUnusable } from './process/qemu-error.ts';
import type { QemuInterface } from './qemu-target.ts';
import { QEMU_WAYS, trivialScenario, type QemuWay } from './trivial-scenario.ts';

/** Two builds of QEMU, opened for a comparison. */
export interface QemuPair {
  readonly base: OpenQemu;
  readonly patched: OpenQemu;
  /** The machine types on which both builds run scenarios of each way. */
  readonly machines: MachinesByWay;
  /** For each machine and way a scenario that both builds must complete, or a verdict would say nothing. */
  readonly trivial: readonly Scenario[];
  close(): Promise<void>;
}

/**
 * Opens two builds of QEMU.
 *
 * @param paths `base` and `patched`: programs, or folders that hold `qemu-system-*`; see `QemuUse`.
 * @throws TargetUnavailable when either is not found for any machine type, or the two have no machine in common.
 */
export async function openQemuPair(paths: {
  readonly base: string | undefined;
  readonly patched: string;
  readonly interface: QemuInterface;
}): Promise<QemuPair> {
  const use = { interface: paths.interface, search: false };
  const base = await openQemu({ ...use, path: paths.base });
  const opened: OpenQemu[] = [base];
  const close = async (): Promise<void> => void (await Promise.all(opened.map((qemu) => qemu.close())));
  try {
    const patched = await openQemu({ ...use, path: paths.patched });
    opened.push(patched);
    const machines = {
      'vfio-user': common(base, patched, 'vfio-user'),
      kernel: common(base, patched, 'kernel'),
    };
    const trivial = QEMU_WAYS.flatMap((way) => machines[way].map((type) => trivialScenario(type, way)));
    if (trivial.length === 0)
      throw new QemuUnusable(paths.patched, `no machine that ${base.name} has, by the same interface`);
    return { base, patched, machines, trivial, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const common = (base: OpenQemu, patched: OpenQemu, way: QemuWay): readonly QemuMachineType[] =>
  base.machines[way].filter((type) => patched.machines[way].includes(type));
