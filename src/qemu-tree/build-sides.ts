import { createHash } from 'node:crypto';
import { COMMON_WORDS, configurationsFor, type Configuration } from './configuration.ts';
import type { FileLock } from './file-lock.ts';
import { BaseFolder, type BaseOrder, type BuildOrder, type BuiltSides } from './base-folder.ts';
import { ToolSet } from './tool-set.ts';
import { TreeFailure } from './tree-error.ts';
import type { Commit } from './user-tree.ts';

/**
 * Builds the base, and the patch on it, or takes them from the cache. Where the two do not link with few devices, they
 * are built with more.
 *
 * @throws TreeFailure
 */
export function buildSides(order: BuildOrder): Promise<BuiltSides> {
  return inFirstThatLinks(order, async (folder, use) => ({
    ...(await folder.build(order.change)),
    release: () => use.release(),
  }));
}

/**
 * Builds a base ahead of the patches on it, unless the cache has it.
 *
 * @throws TreeFailure
 */
export function buildBase(order: BaseOrder): Promise<void> {
  return inFirstThatLinks(order, async (folder, use) => {
    await folder.buildBase();
    use.release();
  });
}

/** Works with the fewest devices with which QEMU links. @param work releases the entry, unless it throws. */
async function inFirstThatLinks<T>(
  order: BaseOrder,
  work: (folder: BaseFolder, use: FileLock) => Promise<T>,
): Promise<T> {
  const tools = await ToolSet.find();
  let failure: TreeFailure | undefined;
  for (const configuration of configurationsFor(order.targets)) {
    const entry = order.cache.entry(keyOf(order.base, configuration, tools));
    const use = await entry.use({ signal: order.signal });
    entry.touch();
    try {
      const done = await work(new BaseFolder(order, entry, configuration, tools), use);
      order.cache.shrink(entry.key);
      return done;
    } catch (error) {
      use.release();
      if (!(error instanceof TreeFailure) || error.kind !== 'link') throw error;
      failure ??= error;
      order.stages.note(`${configuration.name}: does not link${missingSymbol(error)}`);
    }
  }
  throw failure!;
}

/** What the linker lacks: the user may see at once that more devices will not help. */
function missingSymbol({ problems: [problem] }: TreeFailure): string {
  const lacks = /undefined reference to \S+|multiple definition of \S+/.exec(
    problem?.details?.join('\n') ?? '',
  );
  return lacks === null ? '' : ` (${lacks[0]})`;
}

const keyOf = ({ id }: Commit, configuration: Configuration, tools: ToolSet): string =>
  createHash('sha256')
    .update(JSON.stringify([id, configuration, COMMON_WORDS, tools.key]))
    .digest('hex')
    .slice(0, 16);
