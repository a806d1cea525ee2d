import { Option, type Command } from 'commander';
import { servedHistories, servedScenarios, scenarios as modelScenarios } from '../../generators/index.ts';
import type { RunScenario } from '../campaign/index.ts';
import { COMMON_INVARIANTS, INVARIANTS, type Invariant } from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { InvalidInput } from '../input/index.ts';
import { runOnModel, unsuitable, scopeOf, type AnyRevision } from '../model/index.ts';
import { NotRunnable, TargetUnavailable, type Trace } from '../trace/index.ts';
import type { QemuMachineType } from '../qemu/index.ts';

const TARGETS = ['model', 'qemu'] as const;

/** What is asked of a real QEMU at a time: as many processes as keep a small machine busy. */
const HISTORIES = { lanes: 3, histories: 4 };

/** What the user said about the target. */
export interface TargetOptions {
  readonly target: (typeof TARGETS)[number];
  readonly qemu?: string;
}

/** A target that is ready to run scenarios. */
export interface OpenTarget {
  /** `model`, or what the real VMM calls itself. */
  readonly name: string;
  readonly run: RunScenario;
  /** The invariants by which its runs can be judged. */
  readonly invariants: readonly Invariant[];
  /** What is to be known about that, a line each. */
  readonly notes: readonly string[];
  /** Scenarios that it can be asked to run. */
  readonly scenarios: ReturnType<typeof modelScenarios>;
  /** The same, many of them at a time; nothing where that is no faster. */
  readonly histories?: ReturnType<typeof servedHistories>;
  /** Whether it can be asked to run this one. */
  canRun(scenario: Scenario): Promise<boolean>;
  close(): Promise<void>;
}

/** Gives a command the options that choose a target. */
export const withTarget = (command: Command): Command =>
  command
    .addOption(new Option('--target <name>', 'what runs the scenarios').choices(TARGETS).default('model'))
    .option('--qemu <path>', 'a QEMU binary, or the folder of several; else BARPROOF_QEMU, else PATH');

/** The model of a revision. */
export const openModel = (revision: AnyRevision): OpenTarget => ({
  name: 'model',
  run: (scenario) => runOnModel(scenario, revision),
  invariants: COMMON_INVARIANTS,
  notes: [],
  scenarios: modelScenarios(scopeOf(revision)),
  canRun: (scenario) => Promise.resolve(unsuitable(scenario, revision).length === 0),
  close: () => Promise.resolve(),
});

/** Runs one scenario after the other, each as it is written. */
export interface Runner {
  /** @throws InvalidInput when the target cannot be asked to run the scenario. */
  run(scenario: Scenario, revision: AnyRevision): Promise<Trace>;
  close(): Promise<void>;
}

/** What runs single scenarios: the model of their revision, or a real QEMU in a process of its own each, held to the model. */
export async function openRunner({ target: name, qemu }: TargetOptions): Promise<Runner> {
  if (name === 'model') {
    return {
      run: async (scenario, revision) => runOnModel(scenario, revision),
      close: () => Promise.resolve(),
    };
  }
  const { QemuTarget, runBesideModel } = await import('../qemu/index.ts');
  const target = new QemuTarget({ path: qemu });
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

/** What a real QEMU is opened for. */
export interface QemuUse {
  readonly qemu?: string | undefined;
  /**
   * Whether it is searched: then a process serves many scenarios, and QEMU is held to the model where that is
   * of its version. Otherwise it is held to something else.
   */
  readonly search: boolean;
}

/**
 * A real QEMU, for those machines of which there is one.
 *
 * @throws TargetUnavailable when there is none at all.
 */
export async function openQemu({ qemu, search }: QemuUse): Promise<OpenTarget> {
  // Only who tests a real QEMU needs what loads native code.
  const { QEMU_MACHINES, QemuTarget, runBesideModel, whyNotOfModel } = await import('../qemu/index.ts');
  const target = new QemuTarget({ path: qemu, reuse: search });
  const versions = new Map<string, QemuMachineType[]>();
  let reason: TargetUnavailable | undefined;
  for (const machine of QEMU_MACHINES) {
    try {
      const { version } = await target.inspect(machine);
      versions.set(version, [...(versions.get(version) ?? []), machine]);
    } catch (error) {
      if (!(error instanceof TargetUnavailable)) throw error;
      reason ??= error;
    }
  }
  if (versions.size === 0) throw reason!;
  const machines = [...versions.values()].flat();
  const strangers = [...versions].filter(([version]) => whyNotOfModel(version) !== undefined);
  return {
    name: `QEMU ${[...versions.keys()].join(', ')} (${machines.join(', ')})`,
    run: (scenario) => (search ? runBesideModel(target, scenario) : target.run(scenario)),
    invariants: strangers.length < versions.size ? INVARIANTS : COMMON_INVARIANTS,
    notes: strangers.map(
      ([version, which]) => `not compared with the model on ${which.join(', ')}: ${whyNotOfModel(version)}`,
    ),
    scenarios: servedScenarios(...machines),
    ...(search && { histories: servedHistories(HISTORIES, ...machines) }),
    canRun: async (scenario) =>
      (machines as readonly string[]).includes(scenario.machine.type) &&
      (await target.whyNot(scenario)) === undefined,
    close: () => target.close(),
  };
}
