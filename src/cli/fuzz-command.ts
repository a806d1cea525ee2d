import { Command } from 'commander';
import { addCampaignOptions, duration } from './campaign-options.ts';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import type { FuzzCommandOptions } from './fuzz-action.ts';
import { numberOfRuns, seedText } from './option-values.ts';
import { reportOption } from './report-option.ts';
import { addTargetOptions, pluginOption, realisticOption } from './target-options.ts';

/** `barproof fuzz`: searches as long as the user lets it, by several jobs and on several machines. */
export const fuzzCommand = (raiseExitCode: RaiseExitCode): Command =>
  addCampaignOptions(addTargetOptions(new Command('fuzz')))
    .description('search until a time, a number of cases, or Ctrl-C; go on later')
    .addHelpText(
      'before',
      examples([
        ['barproof fuzz --time 10m --jobs 2', 'search for ten minutes on two threads'],
        ['barproof fuzz --runs 1000000 --shard 2/8', 'run the second of eight parts of a million cases'],
        ['barproof fuzz --revision seed-v2 --runs 2000', 'search the seed patch'],
        ['barproof fuzz --target qemu --time 1h --jobs 2', 'search a real QEMU for an hour'],
      ]),
    )
    .option('--time <time>', 'end after this time, such as 90s, 10m or 8h', duration)
    .option(
      '--runs <number>',
      'end after this number of cases; all parts together have so many',
      numberOfRuns,
    )
    .option('--seed <text>', 'the same seed gives the same cases', seedText, 'barproof')
    .option('--revision <id>', 'the revision to search; default: the newest QEMU of barproof list revisions')
    .option('--invariant <id>', 'check only this invariant')
    .addOption(realisticOption())
    .option('--strict', 'count known findings as counterexamples')
    .option('--guided', 'prefer cases unlike earlier ones, and store those with a new behaviour')
    .option('--corpus <folder>', 'folder of findings, and of how far the campaign has come', 'corpus')
    .addOption(pluginOption())
    .addOption(reportOption())
    .option('--stats', 'print what the cases were and what they showed')
    .action(async (options: FuzzCommandOptions) => {
      const { runFuzz } = await import('./fuzz-action.ts');
      await runFuzz(options, raiseExitCode);
    });
