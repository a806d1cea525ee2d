import { Command } from 'commander';
import type { CacheCommandOptions } from './cache-action.ts';
import { examples } from './examples.ts';
import type { RaiseExitCode } from './exit-code.ts';

const ABOUT_LIMIT = `
The cache is in XDG_CACHE_HOME or ~/.cache. Beyond BARPROOF_CACHE_GIB (default: 8) the bases that were used longest ago
are removed.`;

/** `barproof cache`: shows or clears the QEMUs that `validate --qemu-tree` has built. */
export const cacheCommand = (raiseExitCode: RaiseExitCode): Command =>
  new Command('cache')
    .description('show or clear the QEMUs that validate --qemu-tree has built')
    .addHelpText(
      'before',
      examples([
        ['barproof cache', 'what was built, and how large it is'],
        ['barproof cache --clear', 'remove all of it'],
      ]),
    )
    .addHelpText('after', ABOUT_LIMIT)
    .option('--clear', 'remove everything that no other barproof uses')
    .action(async (options: CacheCommandOptions) => {
      const { cache } = await import('./cache-action.ts');
      cache(options, raiseExitCode);
    });
