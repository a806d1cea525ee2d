import { cacheText, clearedText } from '../report/index.ts';
import { InvalidInput } from '../input/index.ts';
import type { Architecture } from '../qemu/process/architecture.ts';
import {
  buildBase,
  DEFAULT_TARGETS,
  openTreeCache,
  openUserTree,
  Stages,
  type TreeCache,
} from '../qemu-tree/index.ts';
import { withInterrupt } from './interrupt.ts';
import { BUILD_PAUSE_MS, terminalProgress } from './terminal-progress.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';

/** What the user asks `barproof cache` for. */
export interface CacheCommandOptions {
  readonly clear?: true;
  /** A git tree or an unpacked source. */
  readonly build?: string;
  /** A commit of the tree. */
  readonly onto?: string;
  /** The targets to build; x86_64 when left out. */
  readonly targetList?: readonly Architecture[];
}

/**
 * Shows or clears the cache, or builds a base in it. What another barproof uses stays, and the exit code then says that
 * it could not be cleared.
 *
 * @throws InvalidInput for `onto` or `targetList` without `build`, and TreeFailure where there is no tree or the base is not built.
 */
export async function cache(
  { clear, build, onto, targetList }: CacheCommandOptions,
  raiseExitCode: RaiseExitCode,
): Promise<void> {
  if (build === undefined) {
    if (onto !== undefined) throw withoutTree('--onto names a commit to build');
    if (targetList !== undefined) throw withoutTree('--target-list names what to build');
  }
  const built = openTreeCache();
  if (build !== undefined) {
    const order = { folder: build, revision: onto ?? 'HEAD', targets: targetList ?? DEFAULT_TARGETS };
    await withInterrupt((signal) => buildAhead(order, built, signal));
  }
  if (clear) {
    const cleared = built.clear();
    if (cleared.inUse > 0) raiseExitCode(ExitCode.COULD_NOT_RUN);
    process.stdout.write(clearedText(cleared));
    return;
  }
  process.stdout.write(cacheText({ folder: built.root, limit: built.limit, bases: built.list() }));
}

const withoutTree = (message: string): InvalidInput =>
  new InvalidInput([{ path: '', message: `${message}: give the tree by --build` }]);

/** A base to build: the user's words. */
interface BaseToBuild {
  readonly folder: string;
  readonly revision: string;
  readonly targets: readonly Architecture[];
}

/** Builds the base of patches that will come. */
async function buildAhead(
  { folder, revision, targets }: BaseToBuild,
  built: TreeCache,
  signal: AbortSignal,
): Promise<void> {
  const progress = terminalProgress(process.stderr, Date.now, BUILD_PAUSE_MS);
  const stages = new Stages(progress);
  try {
    const tree = await openUserTree(folder, built.unpacked(), signal);
    const base = await tree.resolve(revision, '--onto');
    await buildBase({ tree, base, targets, cache: built, stages, signal });
  } finally {
    stages.close();
    progress('');
  }
}
