import { Option, type Command } from 'commander';
import { scenarios, servedHistories } from '../../generators/index.ts';
import type { Scenarios } from '../campaign/index.ts';
import {
  openModel,
  openModelRunner,
  scopeOf,
  type AnyRevision,
  type ScenarioRunner,
} from '../model/index.ts';
import type { SearchTarget } from '../trace/index.ts';

const TARGETS = ['model', 'qemu'] as const;

/** How many scenarios are drawn at a time for a real QEMU: 3 processes keep 2 CPU cores busy. */
const LANES = { lanes: 3, histories: 4 };

/** The options that choose a target. */
export interface TargetOptions {
  readonly target: (typeof TARGETS)[number];
  readonly qemu?: string;
}

/** Adds the options that choose a target to a command. */
export const addTargetOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--target <name>', 'run scenarios on the model, or on a real QEMU')
        .choices(TARGETS)
        .default('model'),
    )
    .option(
      '--qemu <path>',
      'a QEMU binary, or a folder with qemu-system-*; default: BARPROOF_QEMU, then PATH',
    );

/** A target, and the scenarios that suit it. */
export interface SearchSpace {
  readonly target: SearchTarget;
  readonly scenarios: Scenarios;
}

/**
 * Opens the target that the user chose, for a search.
 *
 * @throws TargetUnavailable when the user asks for a real QEMU and none is found.
 */
export async function openSearchSpace(
  { target: name, qemu }: TargetOptions,
  revision: AnyRevision,
): Promise<SearchSpace> {
  if (name === 'model') return { target: openModel(revision), scenarios: scenarios(scopeOf(revision)) };
  const target = await (await loadQemu()).openQemu({ path: qemu, search: true });
  return { target, scenarios: servedHistories(LANES, ...target.machines) };
}

/** Opens the target that the user chose, for single scenarios. */
export const openRunner = async ({ target, qemu }: TargetOptions): Promise<ScenarioRunner> =>
  target === 'model' ? openModelRunner() : (await loadQemu()).openQemuRunner(qemu);

/** Loads src/qemu, which loads native code, only if the user asks for a real QEMU. */
export const loadQemu = () => import('../qemu/index.ts');
