import type * as fc from 'fast-check';
import { interruptible } from '../campaign/index.ts';
import { InvalidInput } from '../input/index.ts';
import {
  toJsonLine,
  wayOf,
  type IommuTypeName,
  type MachinesByWay,
  type Scenario,
} from '../scenario/index.ts';
import type { SearchTarget, Trace } from '../trace/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { BUILD_HOSTS } from './host-kinds.ts';
import type { Sides } from './difference.ts';
import type { JudgeOptions } from './judge-patch.ts';
import { recast } from './recast.ts';
import { runBoth } from './run-both.ts';
import { storedScenarios } from './stored-scenarios.ts';
import { validate, type SideName, type ValidateOptions, type Verdict } from './verdict.ts';

/** How often the smallest case of a finding is run: a real QEMU may depend on timing. */
const REPETITIONS = 10;
/** How many smaller cases are tried for all findings: a case takes a real QEMU a fraction of a second. */
const MOST_TRIES = 400;
/** How many cases run side by side, each on both builds: half of the time a QEMU waits. */
const LANES = 2;

/** One of two builds, with the name and the version that the verdict gives it. */
interface Build extends Omit<SideName, 'title'> {
  readonly target: SearchTarget;
}

/** Two builds of QEMU, and how far to compare them. */
export interface JudgeTargetsOptions extends JudgeOptions {
  /** The caller opens and closes the targets. */
  readonly sides: Sides<Build>;
  readonly scenarios: fc.Arbitrary<Scenario>;
  readonly draws?: ValidateOptions['draws'];
  readonly further?: ValidateOptions['further'];
  /** Runs a scenario on both targets; each by itself when left out. */
  readonly both?: ValidateOptions['both'];
  /** Scenarios that both sides must complete, or there is no verdict. */
  readonly trivial: readonly Scenario[];
  /** The machine types that both builds have, by the way in which devices reach QEMU. */
  readonly machines: MachinesByWay;
}

/** The kinds of container that the kernel of a build's host offers. */
const KERNEL_IOMMUS: readonly IommuTypeName[] = ['type1', 'iommufd', 'spapr-tce-v2'];

/**
 * Runs the same scenarios on two builds of QEMU: served over vfio-user, and on the kernel's own interface.
 *
 * @throws InvalidInput when a build does not complete a trivial scenario: neither side then shows what a patch does.
 */
export async function judgeTargets({
  sides,
  shipped,
  trivial,
  machines,
  both,
  ...options
}: JudgeTargetsOptions): Promise<Verdict> {
  const { base, patched } = sides;
  const named = { base: sideOf(base, options.signal), patched: sideOf(patched, options.signal) };
  options.onProgress?.('trying a trivial scenario');
  for (const scenario of trivial) await requireEnd(scenario, named);
  const stored = new Map<string, Scenario>();
  for (const scenario of storedScenarios(shipped, NEWEST).map((one) => recast(one, machines))) {
    if (scenario === undefined || !(await base.target.canRun(scenario))) continue;
    if (await patched.target.canRun(scenario)) stored.set(toJsonLine(scenario), scenario);
  }
  return validate({
    ...options,
    sides: named,
    ...(both && { both: interruptible(both, options.signal) }),
    stored: [...stored.values()],
    iommus: machines.kernel.length > 0 ? KERNEL_IOMMUS : [],
    machines: machines.kernel,
    hosts: BUILD_HOSTS,
    mustStart: true,
    repetitions: REPETITIONS,
    tries: MOST_TRIES,
    lanes: LANES,
  });
}

const sideOf = ({ target, ...name }: Build, signal: AbortSignal | undefined) => ({
  ...name,
  title: target.name,
  run: interruptible((scenario) => target.run(scenario), signal),
});

/** @throws InvalidInput with QEMU's words when a side does not complete the scenario. */
async function requireEnd(scenario: Scenario, sides: Sides<ReturnType<typeof sideOf>>): Promise<void> {
  const traces = await runBoth({ base: sides.base.run, patched: sides.patched.run }, scenario);
  for (const side of ['base', 'patched'] as const) {
    if (traces[side].outcome === 'ok') continue;
    const message = `${sides[side].id} does not complete a trivial scenario (${wayText(scenario)}): ${endOf(traces[side])}; there is no verdict`;
    throw new InvalidInput([{ path: '', message }]);
  }
}

const wayText = (scenario: Scenario): string =>
  `${scenario.machine.type}, ${wayOf(scenario) === 'vfio-user' ? 'vfio-user' : `the kernel's interface`}`;

const endOf = ({ error, abortSite, outcome }: Trace): string => error ?? abortSite ?? outcome;
