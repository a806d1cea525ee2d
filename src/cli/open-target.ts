import { oneof } from 'fast-check';
import { kernelHistories, scenarios, servedHistories } from '../../generators/index.ts';
import type { Scenarios } from '../campaign/index.ts';
import {
  openModel,
  openModelRunner,
  scopeOf,
  type AnyRevision,
  type ScenarioRunner,
} from '../model/index.ts';
import type { SearchTarget } from '../trace/index.ts';
import type { SearchSpaceOptions, TargetOptions } from './target-options.ts';

/** How many scenarios are drawn at a time for a real QEMU: 3 processes keep 2 CPU cores busy. */
const LANES = { lanes: 3, histories: 4 };

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
  { target: name, qemu, interface: chosen = 'vfio-user', realistic = false }: SearchSpaceOptions,
  revision: AnyRevision,
): Promise<SearchSpace> {
  if (name === 'model')
    return { target: openModel(revision), scenarios: scenarios({ ...scopeOf(revision), realistic }) };
  const target = await (await loadQemu()).openQemu({ path: qemu, interface: chosen, search: true });
  const served = servedHistories({ ...LANES, realistic }, ...target.machines);
  const ofKernel = kernelHistories({ ...LANES, realistic }, ...target.machines);
  const drawn = { 'vfio-user': served, kernel: ofKernel, both: oneof(served, ofKernel) };
  return { target, scenarios: drawn[chosen] };
}

/** Opens the target that the user chose, for single scenarios. */
export const openRunner = async (options: TargetOptions): Promise<ScenarioRunner> =>
  options.target === 'model'
    ? openModelRunner()
    : (await loadQemu()).openQemuRunner({ path: options.qemu, interface: options.interface });

/** Loads src/qemu, which loads native code, only if the user asks for a real QEMU. */
export const loadQemu = () => import('../qemu/index.ts');
