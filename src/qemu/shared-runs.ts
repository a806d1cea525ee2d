import { coldPlugged, type Scenario } from '../scenario/index.ts';
import type { Step, Trace } from '../trace/index.ts';
import { showsBridge } from './behind-bridge.ts';
import { endsOnModel } from './ends-on-model.ts';
import { driverOf } from './guest/machine-driver.ts';
import type { RunningMachine } from './guest/running-machine.ts';
import { canBeUndone, hardwareOf } from './hardware.ts';
import { hotPlugged } from './hot-plugged.ts';
import { KernelMachineHost } from './kernel-machine-host.ts';
import { PrivateDirectory } from './process/private-directory.ts';
import { setupOf, type MachineStarter } from './machine-starter.ts';
import { NEWEST, type Revision } from '../vfio/index.ts';
import { overshoots } from './overshoot.ts';
import type { QemuMachineType } from './process/architecture.ts';
import { revisionOfVersion } from './revision-of-version.ts';
import { isEndOfQemu } from './process/qemu-error.ts';
import { ProcessPool } from './process-pool.ts';
import { ScenarioRun, traceOf, type FinishedRun, type ViewSource } from './scenario-run.ts';

/** Runs scenarios on processes that serve one scenario after the other. */
export class SharedRuns {
  readonly #starter: MachineStarter;
  /** The processes whose memory maps are read. */
  readonly #pool: ProcessPool;
  /** The processes whose memory maps are not read while a device is there, so that QEMU lets go of the device. */
  readonly #unread: ProcessPool;
  /** The hardware that a running QEMU refuses, or dies of, by name. */
  readonly #refused = new Set<string>();

  /** @param maxProcesses how many processes may wait for their next scenario. */
  constructor(starter: MachineStarter, maxProcesses: number) {
    this.#starter = starter;
    const start = (scenario: Scenario) => startWithoutDevices(starter, scenario);
    // Few scenarios unplug a device.
    const forUnplugs = Math.ceil(maxProcesses / 4);
    this.#pool = new ProcessPool({ maxIdle: Math.max(1, maxProcesses - forUnplugs), start, unplugs: false });
    this.#unread = new ProcessPool({ maxIdle: forUnplugs, start, unplugs: true });
  }

  /**
   * Runs a scenario with its devices plugged in while QEMU runs; the trace's scenario says so.
   *
   * @returns nothing where QEMU refused a device or died. The scenario then has to run as it is written.
   */
  async run(scenario: Scenario): Promise<Trace | undefined> {
    const hardware = hardwareOf(scenario);
    if (!canShare(scenario) || this.#refused.has(hardware)) return undefined;
    const plugged = hotPlugged(scenario);
    // A QEMU that ends is lost for other scenarios, and this scenario has to run again.
    if (!endsOnModel(plugged, await this.#revisionFor(scenario))) return undefined;
    const stepsOfPlugs = 1 + coldPlugged(scenario).length;
    const work = async (running: RunningMachine, begun: readonly Step[]): Promise<Trace | undefined> => {
      const run = new ScenarioRun(running, plugged, { begun });
      const end = await run.perform(() => Promise.resolve());
      if (end.outcome === 'ok' && canBeUndone(scenario, run.steps))
        running.keepDevices(hardware, run.steps.slice(0, stepsOfPlugs));
      if (end.outcome !== 'ok' && run.steps.length <= stepsOfPlugs) this.#refused.add(hardware);
      return this.#traceOf(plugged, running, { end, steps: run.steps });
    };
    return endOfQemuAsNothing(this.#pool.use(scenario, hardware, work));
  }

  /**
   * Runs a scenario with an unplug twice, as `runTwice` does, and each time as `run` does.
   *
   * @returns nothing where QEMU refused a device or died in either run.
   */
  async runTwice(scenario: Scenario): Promise<Trace | undefined> {
    const first = await this.run(scenario);
    if (first === undefined) return undefined;
    const views: ViewSource = (step) => {
      const { flatView: memory, dmaView: dma } = first.steps[step]!.state;
      return { memory, dma };
    };
    const work = async (running: RunningMachine): Promise<Trace | undefined> => {
      running.plugging.readsMemoryMaps = false;
      const run = new ScenarioRun(running, first.scenario, { views });
      const end = await run.perform(() => Promise.resolve());
      return this.#traceOf(first.scenario, running, { end, steps: run.steps });
    };
    return endOfQemuAsNothing(this.#unread.use(scenario, hardwareOf(scenario), work));
  }

  /** Ends all processes. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#unread.close()]);
  }

  /** The revision that describes this QEMU best. */
  async #revisionFor({ machine }: Scenario): Promise<Revision> {
    const { version } = await this.#starter.inspect(machine.type as QemuMachineType);
    return revisionOfVersion(version) ?? NEWEST;
  }

  /** @returns nothing where the run has not come to its end. */
  async #traceOf(
    scenario: Scenario,
    { host, optsOutOfMsixEmulation }: RunningMachine,
    run: Pick<FinishedRun, 'end' | 'steps'>,
  ): Promise<Trace | undefined> {
    if (run.end.outcome !== 'ok') return undefined;
    const hasMemslots = host.accelerator === 'kvm';
    const { unknownRequests } = host;
    const revision = await this.#starter.revisionFor(scenario);
    return traceOf(scenario, revision, { ...run, optsOutOfMsixEmulation, hasMemslots, unknownRequests });
  }
}

/** Nothing in place of a trace where QEMU has died. */
async function endOfQemuAsNothing(run: Promise<Trace | undefined>): Promise<Trace | undefined> {
  try {
    return await run;
  } catch (error) {
    if (!isEndOfQemu(error)) throw error;
    return undefined;
  }
}

/** Starts the machine of a scenario, to which devices can be plugged, on the scenario's host. */
async function startWithoutDevices(starter: MachineStarter, scenario: Scenario): Promise<RunningMachine> {
  const setup = setupOf(scenario);
  const { arguments: words } = driverOf(setup.type).hotplug;
  if (scenario.host.iommu.type === 'vfio-user') return starter.start(setup, { arguments: words });
  const directory = new PrivateDirectory();
  const host = await KernelMachineHost.make(scenario, directory);
  try {
    return await starter.start(setup, { arguments: words, directory, host });
  } catch (error) {
    host.close();
    directory.remove();
    throw error;
  }
}

/**
 * Whether the retired devices of other scenarios make no difference to the scenario. QEMU may overwrite their memory
 * where it overshoots. They need a bridge, which may show. And a reset of pseries depends on the number of containers.
 */
const canShare = (scenario: Scenario): boolean =>
  // What another scenario has asked before counts for the faults of the host.
  scenario.host.faults === undefined &&
  !overshoots(scenario) &&
  !showsBridge(scenario) &&
  !(scenario.machine.type === 'pseries' && scenario.operations.some(({ op }) => op === 'reset'));
