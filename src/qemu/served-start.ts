import type { Scenario } from '../scenario/index.ts';
import { driverOf, type QemuBus } from './guest/machine-driver.ts';
import { plugsOrUnplugs } from './hot-plugged.ts';
import { machineArguments, setupOf } from './machine-starter.ts';
import { architectureOf, programName } from './process/architecture.ts';

/** How QEMU is started for a scenario whose devices are served over vfio-user, for another program to do so. */
export interface ServedStart {
  /** Such as `qemu-system-x86_64`. */
  readonly program: string;
  /** QEMU's arguments for the machine and its RAM, without accelerator, sockets and devices. */
  readonly arguments: readonly string[];
  /** The bus of the scenario's devices. */
  readonly bus: QemuBus;
  /** Whether the bus lies behind a bridge, whose windows a guest must open. */
  readonly isBridged: boolean;
  /** Whether the devices from the start are plugged in once QEMU runs. */
  readonly plugsLate: boolean;
  /** What the CPU adds to a 32-bit bus address to reach it. */
  readonly lowWindowOffset: bigint;
}

/** The start of a scenario's machine. @param scenario that a real QEMU can run (`whyNotRunnable`). */
export function servedStart(scenario: Scenario): ServedStart {
  const setup = setupOf(scenario);
  const { hotplug, root, plugsLate, lowWindowOffset } = driverOf(setup.type);
  const plugs = plugsOrUnplugs(scenario);
  return {
    program: programName(architectureOf(setup.type)),
    arguments: [...machineArguments(setup), ...(plugs ? hotplug.arguments : [])],
    bus: plugs ? hotplug.bus : root,
    isBridged: plugs && hotplug.bridged,
    plugsLate,
    lowWindowOffset,
  };
}
