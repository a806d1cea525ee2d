import { Command } from 'commander';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import type { MergeCommandOptions } from './merge-action.ts';

/** `barproof merge`: joins the folders of the parts of a campaign. */
export const mergeCommand = (raiseExitCode: RaiseExitCode): Command =>
  new Command('merge')
    .description('join the folders of campaigns, in any order')
    .addHelpText(
      'before',
      examples([['barproof merge part-1 part-2 --into corpus', 'join the folders of two parts']]),
    )
    .argument('<folder...>', 'folders of barproof fuzz and barproof prove')
    .requiredOption('--into <folder>', 'the folder that gets the contents of all; it may have contents')
    .option('--stats', 'print what the cases were and what they showed')
    .action(async (folders: readonly string[], options: MergeCommandOptions) => {
      const { merge } = await import('./merge-action.ts');
      merge(folders, options, raiseExitCode);
    });
