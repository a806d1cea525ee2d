import { coldPlugged, type Scenario } from '../scenario/index.ts';
import { completedSteps, NotRunnable, type Target, type Step, type Trace } from '../trace/index.ts';
import {
  architectureOf,
  isQemuMachine,
  type Architecture,
  type QemuMachineType,
} from './process/architecture.ts';
import { showsBridge } from './behind-bridge.ts';
import { explainDeath } from './death.ts';
import type { DeviceServer, ServeDevice } from './guest/device-server.ts';
import { findQemu, type QemuLocation } from './process/find-qemu.ts';
import { hostPageSize } from './shim/host-page-size.ts';
import { canBeUndone, hardwareOf } from './hardware.ts';
import { hotPlugged, plugsOrUnplugs, unplugs } from './hot-plugged.ts';
import { inspectQemu, type QemuInspection } from './process/inspect-qemu.ts';
import { driverOf } from './guest/machine-driver.ts';
import { overshoots } from './overshoot.ts';
import { PrivateDirectory } from './process/private-directory.ts';
import { ProcessPool, type PoolKey } from './process-pool.ts';
import { QemuDied, isEndOfQemu, type QemuHangs } from './process/qemu-error.ts';
import { QemuProcess } from './process/qemu-process.ts';
import { whyNotRunnable } from './runnable.ts';
import { renameDevices, withoutProgram } from './process/qemu-names.ts';
import { RunningMachine, deviceArguments } from './guest/running-machine.ts';
import { ScenarioRun, stillbornStep, traceOf, type RunEnd, type ViewSource } from './scenario-run.ts';
import { serveDevice } from './guest/serve-device.ts';
import { findShim } from './shim/shim.ts';
import { FIRST_SLOT } from './guest/slots.ts';

/** Address space that is left free where QEMU is known to overshoot. */
const SLACK = 8n << 30n;

/** How scenarios are run. */
export interface QemuTargetOptions extends QemuLocation {
  /** Serves the devices; for tests. */
  readonly serve?: ServeDevice;
  /**
   * Whether one QEMU serves many scenarios: their devices are then plugged in while it runs, and the trace
   * says so. Where that leads to a refusal or a death, the scenario is run again as it is written.
   */
  readonly reuse?: boolean;
  /**
   * Whether memory that QEMU is known to overwrite by mistake is left free for it, so that the rest of
   * what it does can be compared; needs a C compiler.
   */
  readonly contain?: boolean;
  /** How many processes may wait for the next scenario. */
  readonly maxProcesses?: number;
}

/** A real QEMU as a target: the devices of a scenario are served to it over vfio-user. */
export class QemuTarget implements Target {
  readonly name = 'qemu';
  readonly pool: ProcessPool;
  readonly #options: QemuTargetOptions;
  readonly #inspections = new Map<Architecture, Promise<QemuInspection>>();
  readonly #serve: ServeDevice;
  readonly #shim: string | undefined;
  /** Hardware that QEMU does not take while it runs, by name: it refuses it, or dies of it. */
  readonly #refused = new Set<string>();

  constructor(options: QemuTargetOptions = {}) {
    this.#options = options;
    this.#serve = options.serve ?? serveDevice;
    this.#shim = findShim(options.environment);
    this.pool = new ProcessPool(options.maxProcesses ?? 8, (key) =>
      this.#bear(key, driverOf(key.type).hotplug.arguments, { slack: false }),
    );
  }

  /**
   * What the QEMU for a machine is.
   *
   * @throws QemuNotFound, QemuUnusable.
   */
  inspect(type: QemuMachineType): Promise<QemuInspection> {
    const architecture = architectureOf(type);
    let inspection = this.#inspections.get(architecture);
    if (inspection === undefined) {
      inspection = Promise.resolve().then(() => inspectQemu(findQemu(architecture, this.#options)));
      this.#inspections.set(architecture, inspection);
    }
    return inspection;
  }

  /** Why the scenario cannot be run here, or nothing when it can. */
  async whyNot(scenario: Scenario): Promise<string | undefined> {
    const { type } = scenario.machine;
    const deviceProperties = isQemuMachine(type)
      ? (await this.inspect(type)).deviceProperties
      : new Set<string>();
    return whyNotRunnable(scenario, {
      hostPageSize: hostPageSize(),
      pageSizeShim: this.#shim !== undefined,
      deviceProperties,
    });
  }

  /**
   * Runs a scenario.
   *
   * @throws NotRunnable with the reason; QemuNotFound, QemuUnusable.
   */
  async run(scenario: Scenario): Promise<Trace> {
    const reason = await this.whyNot(scenario);
    if (reason !== undefined) throw new NotRunnable(reason);
    if (unplugs(scenario)) return this.#runTwice(scenario);
    const shared = this.#options.reuse === true && canShare(scenario);
    return (shared ? await this.#runShared(scenario) : undefined) ?? this.#runAlone(scenario);
  }

  /** Ends all processes. */
  async close(): Promise<void> {
    await this.pool.close();
  }

  async #revision({ machine }: Scenario): Promise<string> {
    const { version, package: packager } = await this.inspect(machine.type as QemuMachineType);
    return packager === '' ? `QEMU ${version}` : `QEMU ${version} (${packager})`;
  }

  /** On a process that serves others, too; nothing where the scenario ended in anything but good order. */
  async #runShared(scenario: Scenario): Promise<Trace | undefined> {
    const hardware = hardwareOf(scenario);
    if (this.#refused.has(hardware)) return undefined;
    const late = hotPlugged(scenario);
    const arrival = 1 + coldPlugged(scenario).length;
    const work = async (running: RunningMachine, begun: readonly Step[]): Promise<Trace | undefined> => {
      const run = new ScenarioRun(running, late, { begun });
      const end = await run.perform(() => Promise.resolve());
      if (end.outcome !== 'ok') {
        if (run.steps.length <= arrival) this.#refused.add(hardware);
        return undefined;
      }
      if (canBeUndone(scenario, run.steps)) running.remember(hardware, run.steps.slice(0, arrival));
      const optsOut = running.optsOutOfMsixEmulation;
      return traceOf(late, await this.#revision(scenario), { end, steps: run.steps, optsOut });
    };
    try {
      return await this.pool.use(keyOf(scenario), { hardware, devices: scenario.devices.length }, work);
    } catch (error) {
      if (!isEndOfQemu(error)) throw error;
      return undefined;
    }
  }

  /**
   * A device that is unplugged does not leave QEMU 11.1 after `info mtree -f` has shown it: the command
   * keeps a reference to what it shows. So one run is asked for the memory maps, and another, in which
   * nobody looks, for everything else. Where the first dies of what did not leave, the second is looked at.
   */
  async #runTwice(scenario: Scenario): Promise<Trace> {
    const looked = await this.#runAlone(scenario);
    // What a run ends with, where it ends badly, shows the state before.
    const whole = completedSteps(looked);
    return this.#runAlone(scenario, (step) => {
      const state = whole[step]?.state;
      return state && { memory: state.flatView, dma: state.dmaView };
    });
  }

  /** In a process of its own, as it is written. */
  async #runAlone(scenario: Scenario, views?: ViewSource): Promise<Trace> {
    const type = scenario.machine.type as QemuMachineType;
    const driver = driverOf(type);
    const dynamic = plugsOrUnplugs(scenario);
    const bus = dynamic ? driver.hotplug.bus : driver.root;
    const directory = new PrivateDirectory();
    const present = coldPlugged(scenario);
    const [cold, late] = driver.plugsLate ? [[], present] : [present, []];
    const revision = await this.#revision(scenario);
    const servers: DeviceServer[] = [];
    try {
      for (const [index, spec] of cold.entries()) {
        servers.push(await this.#serve(directory.at(`c${index}`), spec, scenario));
      }
      const devices = cold.flatMap((_, index) => [
        '-device',
        JSON.stringify(deviceArguments(`c${index}`, bus, FIRST_SLOT + index)),
      ]);
      const slack = this.#options.contain === true && overshoots(scenario);
      const more = [...(dynamic ? driver.hotplug.arguments : []), ...devices];
      let running: RunningMachine;
      try {
        running = await this.#bear(keyOf(scenario), more, { directory, slack });
      } catch (error) {
        if (!isEndOfQemu(error)) throw error;
        const names = new Map(cold.map((spec, index) => [`c${index}`, spec] as const));
        const end = endOfBirth(error, (text) => renameDevices(text, names));
        return traceOf(scenario, revision, { end, steps: [stillbornStep([])], optsOut: type === 'pseries' });
      }
      try {
        running.unobserved = views !== undefined;
        const admitted = cold.map((spec, index) => ({ spec, qemuId: `c${index}`, server: servers[index]! }));
        const run = new ScenarioRun(running, scenario, { views });
        const end = await run.perform(async () => {
          await running.admit(admitted, bus);
          for (const spec of late) await running.plug(spec, scenario);
        });
        const optsOut = running.optsOutOfMsixEmulation;
        return traceOf(scenario, revision, { end, steps: run.steps, optsOut });
      } finally {
        await running.end();
      }
    } finally {
      directory.remove();
      await Promise.all(servers.map((server) => server.close()));
    }
  }

  /** A machine that has just come up. @throws QemuDied, QemuHangs when it has not. */
  async #bear(
    key: PoolKey,
    more: readonly string[],
    how: { readonly directory?: PrivateDirectory; readonly slack: boolean },
  ): Promise<RunningMachine> {
    const qemu = await this.#start(key, more, how);
    try {
      return await RunningMachine.adopt({ qemu, driver: driverOf(key.type), serve: this.#serve });
    } catch (error) {
      await qemu.end();
      throw error;
    }
  }

  async #start(
    { type, ram, hostPageSize }: PoolKey,
    more: readonly string[],
    { directory, slack }: { readonly directory?: PrivateDirectory; readonly slack: boolean },
  ): Promise<QemuProcess> {
    const { binary, endsWithParent } = await this.inspect(type);
    const driver = driverOf(type);
    const shim = this.#shim;
    return QemuProcess.start({
      binary,
      endsWithParent,
      directory,
      arguments: [
        ...driver.arguments,
        ...['-object', `memory-backend-memfd,id=${driver.ram},size=${ram},share=on`],
        ...['-machine', `memory-backend=${driver.ram}`, '-m', `${ram}B`],
        ...more,
      ],
      environment: {
        ...(shim !== undefined && { LD_PRELOAD: shim, BARPROOF_PAGE_SIZE: String(hostPageSize) }),
        ...(slack && { BARPROOF_SLACK: String(SLACK) }),
      },
    });
  }
}

const keyOf = ({ machine: { type, ram, hostPageSize } }: Scenario): PoolKey => ({
  type: type as QemuMachineType,
  ram,
  hostPageSize,
});

/**
 * Whether other scenarios' devices, still there and doing nothing, make no difference. An overshoot may
 * hit them; a bridge may show; and what a reset of pseries does depends on how many containers there are.
 */
const canShare = (scenario: Scenario): boolean =>
  !overshoots(scenario) &&
  !showsBridge(scenario) &&
  !(scenario.machine.type === 'pseries' && scenario.operations.some(({ op }) => op === 'reset'));

/** A QEMU that ends before it takes commands has refused a device, or died of it. */
function endOfBirth(error: QemuDied | QemuHangs, rename: (text: string) => string): RunEnd {
  if (error instanceof QemuDied && error.ending.signal === undefined) {
    const said = error.lastWords.map((line) => rename(withoutProgram(line))).filter((line) => line !== '');
    const words = said.findLast((line) => !line.startsWith('warning:')) ?? said.at(-1);
    return { outcome: 'rejected', error: words, abortSite: undefined };
  }
  const { error: words, site } = explainDeath(error, rename);
  return { outcome: 'aborted', error: words, abortSite: site };
}
