import { coldPlugged, type Scenario } from '../scenario/index.ts';
import { completedSteps, type Trace } from '../trace/index.ts';
import { explainDeath } from './death.ts';
import { driverOf, type QemuBus } from './guest/machine-driver.ts';
import type { MachineHost } from './guest/machine-host.ts';
import { deviceArguments, deviceWord, type ColdPluggedDevice } from './guest/plugging.ts';
import type { RunningMachine } from './guest/running-machine.ts';
import { VfioUserHost } from './guest/vfio-user-host.ts';
import { FIRST_SLOT } from './guest/slots.ts';
import { plugsOrUnplugs } from './hot-plugged.ts';
import { KernelMachineHost } from './kernel-machine-host.ts';
import { setupOf, type MachineStarter, type StartOptions } from './machine-starter.ts';
import { overshoots } from './overshoot.ts';
import { PrivateDirectory } from './process/private-directory.ts';
import { QemuDied, isEndOfQemu, type QemuHangs } from './process/qemu-error.ts';
import { renameDevices, withoutProgram } from './process/qemu-names.ts';
import { ScenarioRun, failedStartStep, traceOf, type RunEnd, type ViewSource } from './scenario-run.ts';

/** How a scenario is run in a process of its own. */
export interface LoneRunOptions {
  /** Whether the shim leaves free the memory that this QEMU overwrites by mistake. */
  readonly contain: boolean;
  /** The memory maps, where QEMU must not be asked for them. */
  readonly views?: ViewSource;
}

/** Runs a scenario as it is written, in a process of its own. */
export async function runAlone(
  starter: MachineStarter,
  scenario: Scenario,
  options: LoneRunOptions,
): Promise<Trace> {
  const driver = driverOf(setupOf(scenario).type);
  const directory = new PrivateDirectory();
  const fromStart = coldPlugged(scenario);
  // The reset at the start kills a pseries with vfio-user devices alone.
  const plugsLate = driver.plugsLate && scenario.host.iommu.type === 'vfio-user';
  const [cold, late] = plugsLate ? [[], fromStart] : [fromStart, []];
  const revision = await starter.revisionFor(scenario);
  const devices: ColdPluggedDevice[] = [];
  const host = await hostOf(scenario, directory);
  const hasMemslots = host.accelerator === 'kvm';
  try {
    for (const [index, spec] of cold.entries()) {
      const qemuId = `c${index}`;
      devices.push({ spec, qemuId, server: await host.offer(qemuId, spec, scenario) });
    }
    const withSlack = options.contain && overshoots(scenario);
    const started = await startWith(starter, scenario, devices, { directory, host, withSlack });
    if ('outcome' in started) {
      const optsOutOfMsixEmulation = scenario.machine.type === 'pseries';
      const { unknownRequests } = host;
      const run = { optsOutOfMsixEmulation, hasMemslots, unknownRequests };
      return traceOf(scenario, revision, { ...run, end: started, steps: [failedStartStep] });
    }
    try {
      started.plugging.readsMemoryMaps = options.views === undefined;
      const run = new ScenarioRun(started, scenario, { views: options.views });
      const end = await run.perform(async () => {
        await started.plugging.addColdPlugged(devices, busOf(scenario));
        for (const spec of late) await started.plugging.plug(spec, scenario);
      });
      const { optsOutOfMsixEmulation } = started;
      const { unknownRequests } = host;
      const finished = { optsOutOfMsixEmulation, hasMemslots, unknownRequests };
      return traceOf(scenario, revision, { ...finished, end, steps: run.steps });
    } finally {
      await started.end();
    }
  } finally {
    directory.remove();
    await Promise.all(devices.map(({ server }) => server.close()));
    host.close();
  }
}

/**
 * Runs a scenario with an unplug twice. QEMU 11.1 keeps a device that `info mtree -f` has shown, because the command
 * takes a reference to what it shows. So run 1 reads the memory maps, and run 2 uses the maps of run 1 and shows
 * everything else. After the last step that run 1 completed, run 2 reads the maps itself.
 */
export async function runTwice(
  starter: MachineStarter,
  scenario: Scenario,
  options: LoneRunOptions,
): Promise<Trace> {
  const first = await runAlone(starter, scenario, options);
  // The last step of a run that ended badly repeats the state before it.
  const whole = completedSteps(first);
  return runAlone(starter, scenario, {
    ...options,
    views: (step) => {
      const state = whole[step]?.state;
      return state && { memory: state.flatView, dma: state.dmaView };
    },
  });
}

/** The host of a scenario, for one QEMU that will run in the directory. */
function hostOf(scenario: Scenario, directory: PrivateDirectory): Promise<MachineHost> {
  if (scenario.host.iommu.type !== 'vfio-user') return KernelMachineHost.make(scenario, directory);
  return Promise.resolve(new VfioUserHost(directory, driverOf(setupOf(scenario).type).ram));
}

/** The bus of a scenario's devices. */
function busOf(scenario: Scenario): QemuBus {
  const { hotplug, root } = driverOf(setupOf(scenario).type);
  return plugsOrUnplugs(scenario) ? hotplug.bus : root;
}

/** Starts a machine with devices. @returns the end of the run where QEMU does not come up. */
async function startWith(
  starter: MachineStarter,
  scenario: Scenario,
  devices: readonly ColdPluggedDevice[],
  options: Pick<StartOptions, 'directory' | 'host' | 'withSlack'>,
): Promise<RunningMachine | RunEnd> {
  const setup = setupOf(scenario);
  const bus = busOf(scenario);
  const forHotplug = plugsOrUnplugs(scenario) ? driverOf(setup.type).hotplug.arguments : [];
  const cold = devices.flatMap(({ qemuId, server }, index) => [
    '-device',
    deviceWord(deviceArguments(server, qemuId, bus, FIRST_SLOT + index)),
  ]);
  try {
    return await starter.start(setup, {
      ...options,
      arguments: [...forHotplug, ...cold],
    });
  } catch (error) {
    if (!isEndOfQemu(error)) throw error;
    const names = new Map(devices.map(({ qemuId, spec }) => [qemuId, spec]));
    return failedStartEnd(error, (text) => renameDevices(text, names));
  }
}

/** A QEMU that ends before it takes commands has refused a device, or died of it. */
function failedStartEnd(error: QemuDied | QemuHangs, rename: (text: string) => string): RunEnd {
  if (error instanceof QemuDied && error.ending.signal === undefined) {
    const lines = error.lastLines.map((line) => rename(withoutProgram(line))).filter((line) => line !== '');
    const words = lines.findLast((line) => !line.startsWith('warning:')) ?? lines.at(-1);
    return { outcome: 'rejected', error: words, abortSite: undefined };
  }
  const { error: words, site } = explainDeath(error, rename);
  return { outcome: 'aborted', error: words, abortSite: site };
}
