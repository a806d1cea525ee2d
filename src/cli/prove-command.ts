import { Command } from 'commander';
import { addCampaignOptions } from './campaign-options.ts';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { wholeNumber } from './option-values.ts';
import type { ProveCommandOptions } from './prove-action.ts';
import { reportOption } from './report-option.ts';
import { pluginOption } from './target-options.ts';

/** `barproof prove`: runs all scenarios of a small scope. */
export const proveCommand = (raiseExitCode: RaiseExitCode): Command =>
  addCampaignOptions(new Command('prove'))
    .description('run every scenario of a small scope, and say that all hold or which does not')
    .addHelpText(
      'before',
      examples([
        ['barproof prove', 'prove the newest QEMU in the default scope'],
        ['barproof prove --operations 3 --pages 4 --shard 1/64', 'prove a part of a large scope'],
        ['barproof prove --revision seed-v2 --invariant map-aligned', 'find the first counterexample'],
      ]),
    )
    .option('--pages <number>', 'the largest BAR in pages of 16 KiB: 1 to 8', wholeNumber(1, 8), 1)
    .option(
      '--operations <number>',
      'the most operations after the guest has placed the BARs: 0 to 3',
      wholeNumber(0, 3),
      1,
    )
    .option('--revision <id>', 'the revision to prove; default: the newest QEMU of barproof list revisions')
    .option('--invariant <id>', 'prove only this invariant')
    .option('--strict', 'count known findings as counterexamples')
    .addOption(pluginOption())
    .addOption(reportOption())
    .option('--corpus <folder>', 'folder in which the proof notes how far it has come, to go on later')
    .action(async (options: ProveCommandOptions) => {
      const { runProof } = await import('./prove-action.ts');
      await runProof(options, raiseExitCode);
    });
