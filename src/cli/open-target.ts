import { qemuHistories, scenarios } from '../../generators/index.ts';
import type { Scenarios } from '../campaign/index.ts';
import { InvalidInput } from '../input/index.ts';
import {
  openModel,
  openModelRunner,
  requireRevision,
  scopeOf,
  type AnyRevision,
  type ScenarioRunner,
} from '../model/index.ts';
import type { SearchTarget } from '../trace/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { hasPatchThread } from './patch-thread.ts';
import type { RunnerOptions, SearchSpaceOptions, TargetOptions } from './target-options.ts';

/** How many scenarios are drawn at a time for a real QEMU: 3 processes keep 2 CPU cores busy. */
const LANES = { lanes: 3, histories: 4, sets: 4 };

/** A target, and the scenarios that suit it. */
export interface SearchSpace {
  readonly target: SearchTarget;
  readonly scenarios: Scenarios;
}

/**
 * The revision that a search is about.
 *
 * @throws InvalidInput when it does not exist or cannot be combined with the target.
 */
export function searchedRevision({
  revision: id = NEWEST.id,
  target,
}: Pick<TargetOptions, 'target'> & { readonly revision?: string | undefined }): AnyRevision {
  const revision = requireRevision(id, '--revision');
  if (target === 'model' || revision.id === NEWEST.id) return revision;
  const message = `a real QEMU is always checked as ${NEWEST.id}; leave out --revision with --target qemu`;
  throw new InvalidInput([{ path: '--revision', message }]);
}

/**
 * Opens the target that the user chose, for a search.
 *
 * @throws TargetUnavailable when the user asks for a real QEMU and none is found.
 * @throws InvalidInput for options that cannot be combined.
 */
export async function openSearchSpace(
  options: SearchSpaceOptions,
  revision: AnyRevision,
): Promise<SearchSpace> {
  checkTargetOptions(options);
  const { target: name, qemu, interface: chosen = 'vfio-user', realistic = false } = options;
  if (name === 'model')
    return { target: openModel(revision), scenarios: scenarios({ ...scopeOf(revision), realistic }) };
  const target = await (await loadQemu()).openQemu({ path: qemu, interface: chosen, search: true });
  return { target, scenarios: qemuHistories({ ...LANES, realistic }, target.machines) };
}

/**
 * Opens the target that the user chose, for single scenarios.
 *
 * @throws InvalidInput for options that cannot be combined, and for a patch file that is no patch.
 */
export async function openRunner(options: RunnerOptions): Promise<ScenarioRunner> {
  checkTargetOptions(options);
  const { target, qemu, patch } = options;
  if (patch === undefined)
    return target === 'model'
      ? openModelRunner()
      : (await loadQemu()).openQemuRunner({ path: qemu, interface: options.interface });
  if (target === 'model') {
    const { openPatchedRunner, openPatchedRunnerInThread } = await import('./patched-runner.ts');
    return hasPatchThread() ? openPatchedRunnerInThread(patch) : openPatchedRunner(patch);
  }
  throw new InvalidInput([{ path: '--patch', message: 'a patch file changes the model, not a real QEMU' }]);
}

/** @throws InvalidInput for options of a QEMU that would not be used: the user believes that it was tested. */
export function checkTargetOptions({ target, qemu, interface: chosen }: TargetOptions): void {
  if (target === 'qemu') return;
  const message = 'expected with --target qemu; the model runs no QEMU';
  const unused = [
    ...(qemu === undefined ? [] : ['--qemu']),
    ...(chosen === undefined ? [] : ['--interface']),
  ];
  if (unused.length > 0) throw new InvalidInput(unused.map((path) => ({ path, message })));
}

/** Loads src/qemu, which loads native code, only if the user asks for a real QEMU. */
export const loadQemu = () => import('../qemu/index.ts');
