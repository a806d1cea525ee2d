import { Command, Option } from 'commander';
import type { CacheCommandOptions } from './cache-action.ts';
import { closing, examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { targetListOption } from './target-list-option.ts';

const ABOUT_LIMIT = `The cache is in XDG_CACHE_HOME or ~/.cache. Beyond BARPROOF_CACHE_GIB (default: 8) the bases that were used longest ago
are removed.`;

/** `barproof cache`: shows, builds or clears the QEMUs that `validate --qemu-tree` uses. */
export const cacheCommand = (raiseExitCode: RaiseExitCode): Command =>
  new Command('cache')
    .description('show, build or clear the QEMUs that validate --qemu-tree uses')
    .addHelpText(
      'before',
      examples([
        ['barproof cache', 'what was built, and how large it is'],
        ['barproof cache --build qemu', 'build the QEMU of the tree qemu ahead of its patches'],
        ['barproof cache --build qemu --target-list ppc64', 'the same for the machine pseries'],
        ['barproof cache --clear', 'remove all of it'],
      ]),
    )
    .addHelpText('after', closing(ABOUT_LIMIT))
    .option('--clear', 'remove everything that no other barproof uses')
    .addOption(
      new Option('--build <dir>', 'build the QEMU of a git tree or an unpacked source').conflicts('clear'),
    )
    .addOption(targetListOption('with --build'))
    .option('--onto <rev>', 'with --build: the commit to build (default: HEAD)')
    .action(async (options: CacheCommandOptions) => {
      const { cache } = await import('./cache-action.ts');
      await cache(options, raiseExitCode);
    });
