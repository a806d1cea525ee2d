import { DEVICE_WAYS, type DeviceWay, type MachinesByWay, type Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { openQemu, type OpenQemu } from './open-qemu.ts';
import type { QemuMachineType } from './process/architecture.ts';
import { QemuUnusable } from './process/qemu-error.ts';
import type { QemuInterface } from './qemu-target.ts';
import { trivialScenario } from './trivial-scenario.ts';

/** Two builds of QEMU, opened for a comparison. */
export interface QemuPair {
  readonly base: OpenQemu;
  readonly patched: OpenQemu;
  /** The machine types on which both builds run scenarios of each way. */
  readonly machines: MachinesByWay;
  /** For each machine and way a scenario that both builds must complete, or a verdict would say nothing. */
  readonly trivial: readonly Scenario[];
  /** Runs the same variant of a scenario on both builds. @throws NotRunnable */
  run(scenario: Scenario): Promise<Record<'base' | 'patched', Trace>>;
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
    const trivial = DEVICE_WAYS.flatMap((way) => machines[way].map((type) => trivialScenario(type, way)));
    if (trivial.length === 0)
      throw new QemuUnusable(paths.patched, `no machine that ${base.name} has, by the same interface`);
    return { base, patched, machines, trivial, run: (scenario) => runOnBoth(base, patched, scenario), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where one build has run the scenario as it is written, so does the other: only then their steps are the same. */
async function runOnBoth(base: OpenQemu, patched: OpenQemu, scenario: Scenario) {
  const traces = await Promise.all([base.run(scenario), patched.run(scenario)]);
  const [first, second] = traces.map((trace) => trace.scenario.operations.length);
  if (first === second) return { base: traces[0], patched: traces[1] };
  const isWritten = traces.map((trace) => trace.scenario.operations.length === scenario.operations.length);
  const [again, other] = await Promise.all([
    isWritten[0] ? traces[0] : base.runAsWritten(scenario),
    isWritten[1] ? traces[1] : patched.runAsWritten(scenario),
  ]);
  return { base: again, patched: other };
}

const common = (base: OpenQemu, patched: OpenQemu, way: DeviceWay): readonly QemuMachineType[] =>
  base.machines[way].filter((type) => patched.machines[way].includes(type));
