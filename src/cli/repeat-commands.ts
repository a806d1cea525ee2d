import { resolve } from 'node:path';
import type { Finding } from '../campaign/index.ts';
import type { CheckCommandOptions, CheckLinuxOptions } from './check-command-options.ts';
import type { ValidateCommandOptions } from './validate-command-options.ts';
import { programWords } from './program-words.ts';
import { commandText } from './shell.ts';
import type { PluginOptions, RunnerOptions } from './target-options.ts';

/** The command line that repeats the check. */
export const checkAgain = (
  { seed, runs, invariant, plugin = [], realistic, strict, target, interface: chosen }: CheckCommandOptions,
  revision: string,
): string =>
  commandText([
    'barproof',
    'check',
    ...(target === 'model' ? ['--revision', revision] : ['--target', target]),
    ...(target === 'model' || chosen === undefined ? [] : ['--interface', chosen]),
    ...['--seed', seed],
    ...['--runs', String(runs)],
    ...(invariant === undefined ? [] : ['--invariant', invariant]),
    ...plugin.flatMap((file) => ['--plugin', file]),
    ...(realistic ? ['--realistic'] : []),
    ...(strict ? ['--strict'] : []),
  ]);

/** The command line that repeats a comparison with a real kernel. */
export const checkLinuxAgain = ({ kernel, iommu, seed, runs, qemu }: CheckLinuxOptions): string =>
  commandText([
    ...['barproof', 'check', '--target', 'linux'],
    ...(kernel === undefined ? [] : ['--kernel', kernel]),
    ...(iommu === undefined ? [] : ['--iommu', iommu]),
    ...(qemu === undefined ? [] : ['--qemu', qemu]),
    ...['--seed', seed, '--runs', String(runs)],
  ]);

/** The command line that shows a finding again on `revision`, from any folder, if a file holds its case. */
export function replayFinding(
  { regressions, target, qemu, plugin = [] }: CheckCommandOptions,
  { file, origin }: Finding,
  revision: string,
): string | undefined {
  if (file === undefined) return undefined;
  const isStoredForAnother = origin.kind === 'regression' && origin.stored !== revision;
  return commandText([
    ...programWords(),
    'replay',
    resolve(regressions, file),
    ...(target !== 'model'
      ? ['--target', target, ...(qemu === undefined ? [] : ['--qemu', resolve(qemu)])]
      : isStoredForAnother
        ? ['--revision', revision]
        : []),
    ...plugin.flatMap((one) => ['--plugin', resolve(one)]),
  ]);
}

/** With what files are replayed. */
interface ReplayedWith extends RunnerOptions, PluginOptions {
  readonly revision?: string;
}

/** The command line that replays files again, from the same folder. */
export const replayAgain = (
  files: readonly string[],
  { revision, target, qemu, interface: chosen, patch, plugin = [] }: ReplayedWith,
): string =>
  commandText([
    ...programWords(),
    'replay',
    ...files,
    ...(revision === undefined ? [] : ['--revision', revision]),
    ...(target === 'model' ? [] : ['--target', target]),
    ...(qemu === undefined ? [] : ['--qemu', qemu]),
    ...(chosen === undefined ? [] : ['--interface', chosen]),
    ...(patch === undefined ? [] : ['--patch', patch]),
    ...plugin.flatMap((file) => ['--plugin', file]),
  ]);

/** The command line that compares the answers of a host again. */
export const hostAgain = (
  file: string,
  { target, kernel, qemu }: { readonly target: string; readonly kernel?: string; readonly qemu?: string },
): string =>
  commandText([
    ...programWords(),
    'host',
    file,
    ...(target === 'model' ? [] : ['--target', target]),
    ...(kernel === undefined ? [] : ['--kernel', kernel]),
    ...(qemu === undefined ? [] : ['--qemu', qemu]),
    '--compare',
  ]);

/**
 * The command line that runs a counterexample of a verdict again with the patch.
 *
 * @param file the file that holds the case.
 * @param patch the patch file, or the options of the patched QEMU.
 */
export const replayCounterexample = (
  file: string,
  patch: { readonly patch: string } | { readonly qemu: string },
): string =>
  commandText([
    ...programWords(),
    'replay',
    resolve(file),
    ...('patch' in patch
      ? ['--patch', resolve(patch.patch)]
      : ['--target', 'qemu', '--qemu', resolve(patch.qemu)]),
  ]);

/** The command line that makes a verdict again. */
export function validateAgain(patch: string | undefined, options: ValidateCommandOptions): string {
  const { base, qemu, qemuBase, qemuTree, onto, targetList, realistic, seed, runs } = options;
  return commandText([
    'barproof',
    'validate',
    ...(patch === undefined ? [] : [patch]),
    ...(base === undefined ? [] : ['--base', base]),
    ...(qemuTree === undefined ? [] : ['--qemu-tree', qemuTree]),
    ...(onto === undefined ? [] : ['--onto', onto]),
    ...(targetList === undefined ? [] : ['--target-list', targetList.join(',')]),
    ...(qemu === undefined ? [] : ['--qemu', qemu]),
    ...(qemuBase === undefined ? [] : ['--qemu-base', qemuBase]),
    ...(options.interface === undefined ? [] : ['--interface', options.interface]),
    ...(realistic ? ['--realistic'] : []),
    ...['--seed', seed],
    ...(runs === undefined ? [] : ['--runs', String(runs)]),
  ]);
}
