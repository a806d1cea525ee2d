import { coldPlugged, type Scenario } from '../scenario/index.ts';
import type { Step, Trace } from '../trace/index.ts';
import { showsBridge } from './behind-bridge.ts';
import { driverOf } from './guest/machine-driver.ts';
import type { RunningMachine } from './guest/running-machine.ts';
import { canBeUndone, hardwareOf } from './hardware.ts';
import { hotPlugged } from './hot-plugged.ts';
import { KernelMachineHost } from './kernel-machine-host.ts';
import { PrivateDirectory } from './process/private-directory.ts';
import { setupOf, type MachineStarter } from './machine-starter.ts';
import { overshoots } from './overshoot.ts';
import { isEndOfQemu } from './process/qemu-error.ts';
import { ProcessPool } from './process-pool.ts';
import { ScenarioRun, traceOf } from './scenario-run.ts';

/** Runs scenarios on processes that serve one scenario after the other. */
export class SharedRuns {
  readonly #starter: MachineStarter;
  readonly #pool: ProcessPool;
  /** The hardware that a running QEMU refuses, or dies of, by name. */
  readonly #refused = new Set<string>();

  /** @param maxProcesses how many processes may wait for their next scenario. */
  constructor(starter: MachineStarter, maxProcesses: number) {
    this.#starter = starter;
    this.#pool = new ProcessPool(maxProcesses, (scenario) => startWithoutDevices(starter, scenario));
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
    const stepsOfPlugs = 1 + coldPlugged(scenario).length;
    const work = async (running: RunningMachine, begun: readonly Step[]): Promise<Trace | undefined> => {
      const run = new ScenarioRun(running, plugged, { begun });
      const end = await run.perform(() => Promise.resolve());
      if (end.outcome !== 'ok') {
        if (run.steps.length <= stepsOfPlugs) this.#refused.add(hardware);
        return undefined;
      }
      if (canBeUndone(scenario, run.steps)) running.keepDevices(hardware, run.steps.slice(0, stepsOfPlugs));
      const { optsOutOfMsixEmulation } = running;
      const revision = await this.#starter.revisionFor(scenario);
      const finished = { optsOutOfMsixEmulation, hasMemslots: running.host.accelerator === 'kvm' };
      return traceOf(plugged, revision, { ...finished, end, steps: run.steps });
    };
    try {
      return await this.#pool.use(scenario, hardware, work);
    } catch (error) {
      if (!isEndOfQemu(error)) throw error;
      return undefined;
    }
  }

  /** Ends all processes. */
  close(): Promise<void> {
    return this.#pool.close();
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
  !overshoots(scenario) &&
  !showsBridge(scenario) &&
  !(scenario.machine.type === 'pseries' && scenario.operations.some(({ op }) => op === 'reset'));
