import { InvalidInput } from '../input/index.ts';
import type { ScenarioRunner } from '../model/index.ts';
import { DEVICE_WAYS, type DeviceWay, type MachinesByWay, type Scenario } from '../scenario/index.ts';
import { NotRunnable, TargetUnavailable, type SearchTarget, type Trace } from '../trace/index.ts';
import { runBesideModel } from './beside-model.ts';
import { whyNotOfModel } from './revision-of-version.ts';
import { trivialScenario } from './trivial-scenario.ts';
import { versionText } from './machine-starter.ts';
import { QEMU_MACHINES, type QemuMachineType } from './process/architecture.ts';
import type { QemuInspection } from './process/inspect-qemu.ts';
import { QemuUnusable } from './process/qemu-error.ts';
import { QemuTarget, type QemuInterface } from './qemu-target.ts';

/** What a real QEMU is opened for. */
export interface QemuUse {
  /** A program, or a folder that holds `qemu-system-*`; `BARPROOF_QEMU`, else `PATH`, when left out. */
  readonly path?: string | undefined;
  /** Whether each run is compared with the model, if the model describes this version: to search for counterexamples. */
  readonly search: boolean;
  /** How QEMU reaches the devices; as the scenario says when left out. */
  readonly interface?: QemuInterface | undefined;
}

/** A real QEMU, opened for a search or a comparison. */
export interface OpenQemu extends SearchTarget {
  /** The versions of its programs, with their packages: `QEMU 11.1.3 (Debian 1:11.1.3+ds-1)`. */
  readonly version: string;
  readonly machines: MachinesByWay<QemuMachineType>;
  /** Runs a scenario as it is written. `run` may run a variant of it, in a process that serves many scenarios. */
  runAsWritten(scenario: Scenario): Promise<Trace>;
}

/**
 * Opens a real QEMU for every machine type for which one is found.
 *
 * @throws TargetUnavailable when none is found for any machine type.
 */
export async function openQemu({ path, search, interface: chosen }: QemuUse): Promise<OpenQemu> {
  const target = new QemuTarget({ path, interface: chosen, reuse: true });
  const { machinesByVersion, versions } = await inspectAll(target, chosen);
  const machines = [...machinesByVersion.values()].flat();
  const uncomparableVersions = [...machinesByVersion].filter(
    ([version]) => whyNotOfModel(version) !== undefined,
  );
  return {
    name: `QEMU ${[...machinesByVersion.keys()].join(', ')} (${machines.join(', ')})`,
    notes: uncomparableVersions.map(
      ([version, types]) => `not compared with the model on ${types.join(', ')}: ${whyNotOfModel(version)}`,
    ),
    comparesWithModel: search && uncomparableVersions.length < machinesByVersion.size,
    version: versions.join(', '),
    machines: await machinesByWay(target, machines, chosen),
    run: (scenario) => (search ? runBesideModel(target, scenario) : target.run(scenario)),
    runAsWritten: (scenario) => target.runAsWritten(scenario),
    canRun: async (scenario) =>
      (machines as readonly string[]).includes(scenario.machine.type) &&
      (await target.whyNot(scenario)) === undefined,
    close: () => target.close(),
  };
}

/** On which of the machines scenarios of each way can run. */
async function machinesByWay(
  target: QemuTarget,
  machines: readonly QemuMachineType[],
  chosen: QemuInterface = 'both',
): Promise<MachinesByWay<QemuMachineType>> {
  const able: Record<DeviceWay, QemuMachineType[]> = { 'vfio-user': [], kernel: [] };
  for (const way of DEVICE_WAYS.filter((one) => chosen === 'both' || chosen === one)) {
    for (const machine of machines) {
      if ((await target.whyNot(trivialScenario(machine, way))) === undefined) able[way].push(machine);
    }
  }
  return able;
}

/** What was found. */
interface Found {
  /** The machine types by the version of their QEMU. */
  readonly machinesByVersion: ReadonlyMap<string, readonly QemuMachineType[]>;
  /** Each version with its package. */
  readonly versions: readonly string[];
}

/** The machine types for which a QEMU is found. @throws TargetUnavailable when there are none. */
async function inspectAll(target: QemuTarget, chosen: QemuInterface = 'both'): Promise<Found> {
  const machines = new Map<string, QemuMachineType[]>();
  const versions = new Set<string>();
  let firstFailure: TargetUnavailable | undefined;
  for (const machine of QEMU_MACHINES) {
    try {
      const inspection = await target.inspect(machine);
      requireDriver(inspection, chosen);
      const { version } = inspection;
      machines.set(version, [...(machines.get(version) ?? []), machine]);
      versions.add(versionText(inspection));
    } catch (error) {
      if (!(error instanceof TargetUnavailable)) throw error;
      firstFailure ??= error;
    }
  }
  if (machines.size === 0) throw firstFailure!;
  return { machinesByVersion: machines, versions: [...versions] };
}

/** @throws QemuUnusable where no scenario of the interface could run on this QEMU. */
function requireDriver({ binary, version, deviceProperties }: QemuInspection, chosen: QemuInterface): void {
  if (chosen === 'vfio-user' && deviceProperties['vfio-user-pci'] === undefined) {
    throw new QemuUnusable(
      binary,
      `QEMU ${version} has no device vfio-user-pci. ` +
        'Use QEMU 10.1 or later, built with vfio-user, or add --interface kernel',
    );
  }
  if (chosen === 'kernel' && deviceProperties['vfio-pci'] === undefined)
    throw new QemuUnusable(binary, `QEMU ${version} has no device vfio-pci`);
}

/**
 * Runs single scenarios on a real QEMU: each in a QEMU process of its own, compared with the model if the
 * model describes this version of QEMU.
 */
export function openQemuRunner(use: Pick<QemuUse, 'path' | 'interface'> = {}): ScenarioRunner {
  const target = new QemuTarget(use);
  return {
    run: async (scenario) => {
      try {
        return await runBesideModel(target, scenario);
      } catch (error) {
        if (!(error instanceof NotRunnable)) throw error;
        throw new InvalidInput([{ path: '', message: error.message }]);
      }
    },
    close: () => target.close(),
  };
}
