import { cacheText, clearedText } from '../report/index.ts';
import { InvalidInput } from '../input/index.ts';
import { buildBase, openTreeCache, openUserTree, Stages, type TreeCache } from '../qemu-tree/index.ts';
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
}

/**
 * Shows or clears the cache, or builds a base in it. What another barproof uses stays, and the exit code then says that
 * it could not be cleared.
 *
 * @throws InvalidInput for `onto` without `build`, and TreeFailure where there is no tree or the base is not built.
 */
export async function cache(
  { clear, build, onto }: CacheCommandOptions,
  raiseExitCode: RaiseExitCode,
): Promise<void> {
  if (onto !== undefined && build === undefined)
    throw new InvalidInput([
      { path: '', message: '--onto names a commit to build: give the tree by --build' },
    ]);
  const built = openTreeCache();
  if (build !== undefined) await withInterrupt((signal) => buildAhead(build, onto ?? 'HEAD', built, signal));
  if (clear) {
    const cleared = built.clear();
    if (cleared.inUse > 0) raiseExitCode(ExitCode.COULD_NOT_RUN);
    process.stdout.write(clearedText(cleared));
    return;
  }
  process.stdout.write(cacheText({ folder: built.root, limit: built.limit, bases: built.list() }));
}

/** Builds the base of patches that will come. */
async function buildAhead(
  folder: string,
  revision: string,
  built: TreeCache,
  signal: AbortSignal,
): Promise<void> {
  const progress = terminalProgress(process.stderr, Date.now, BUILD_PAUSE_MS);
  const stages = new Stages(progress);
  try {
    const tree = await openUserTree(folder, built.unpacked(), signal);
    const base = await tree.resolve(revision, '--onto');
    await buildBase({ tree, base, cache: built, stages, signal });
  } finally {
    stages.close();
    progress('');
  }
}
