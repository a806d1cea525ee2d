import { cacheText, clearedText } from '../report/index.ts';
import { openTreeCache } from '../qemu-tree/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';

/** What the user asks `barproof cache` for. */
export interface CacheCommandOptions {
  readonly clear?: true;
}

/** Shows or clears the cache. What another barproof uses stays, and the exit code then says that it could not be done. */
export function cache({ clear }: CacheCommandOptions, raiseExitCode: RaiseExitCode): void {
  const built = openTreeCache();
  if (clear) {
    const cleared = built.clear();
    if (cleared.inUse > 0) raiseExitCode(ExitCode.COULD_NOT_RUN);
    process.stdout.write(clearedText(cleared));
    return;
  }
  process.stdout.write(cacheText({ folder: built.root, limit: built.limit, bases: built.list() }));
}
