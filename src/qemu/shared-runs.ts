import { coldPlugged, type Scenario } from '../scenario/index.ts';
import type { Step, Trace } from '../trace/index.ts';
import { showsBridge } from './behind-bridge.ts';
import { driverOf } from './guest/machine-driver.ts';
import type { RunningMachine } from './guest/running-machine.ts';
import { canBeUndone, hardwareOf } from './hardware.ts';
import { hotPlugged } from './hot-plugged.ts';
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
    this.#pool = new ProcessPool(maxProcesses, (setup) =>
      starter.start(setup, { arguments: driverOf(setup.type).hotplug.arguments }),
    );
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
      const finished = { optsOutOfMsixEmulation, hasMemslots: false };
      return traceOf(plugged, revision, { ...finished, end, steps: run.steps });
    };
    try {
      return await this.#pool.use(setupOf(scenario), { hardware, devices: scenario.devices.length }, work);
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

/**
 * Whether the retired devices of other scenarios make no difference to the scenario. QEMU may overwrite their memory
 * where it overshoots. They need a bridge, which may show. And a reset of pseries depends on the number of containers.
 */
const canShare = (scenario: Scenario): boolean =>
  !overshoots(scenario) &&
  !showsBridge(scenario) &&
  !(scenario.machine.type === 'pseries' && scenario.operations.some(({ op }) => op === 'reset'));
