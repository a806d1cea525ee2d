import { Command } from 'commander';
import {
  DEFAULT_CHECK_RUNS,
  type CheckCommandOptions,
  type CheckLinuxOptions,
} from './check-command-options.ts';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { numberOfRuns, seedText } from './option-values.ts';
import { mailOption, reportOption } from './report-option.ts';
import { addTargetOptions, pluginOption, realisticOption, targetOrLinuxOption } from './target-options.ts';

/** `barproof check`: replays the stored cases, searches, and shrinks and stores what it finds. */
export const checkCommand = (raiseExitCode: RaiseExitCode): Command =>
  addTargetOptions(new Command('check'), targetOrLinuxOption())
    .description('search for scenarios that break an invariant')
    .addHelpText(
      'before',
      examples([
        ['barproof check', 'check the newest QEMU with 20000 cases'],
        ['barproof check --seed nightly --runs 200000', 'check 200000 other cases'],
        ['barproof check --revision seed-v2 --no-save', 'check the seed patch, and store nothing'],
        [
          'barproof check --target qemu --qemu ~/qemu/build',
          'check a real QEMU; barproof serves the devices',
        ],
        ['barproof check --target linux', 'compare the model of the Linux host with a real kernel'],
      ]),
    )
    .option('--seed <text>', 'the same seed gives the same cases', seedText, 'barproof')
    .option(
      '--runs <number>',
      `number of generated cases; default: ${DEFAULT_CHECK_RUNS.model}, or ${DEFAULT_CHECK_RUNS.qemu} on a real QEMU or kernel`,
      numberOfRuns,
    )
    .option('--revision <id>', 'the revision to check; default: the newest QEMU of barproof list revisions')
    .option('--invariant <id>', 'check only this invariant')
    .addOption(pluginOption())
    .addOption(realisticOption())
    .option('--kernel <name>', 'with --target linux: a kernel of barproof doctor, or its version')
    .option('--iommu <name>', 'with --target linux: the emulated IOMMU, such as intel-aw48 or amd-v1')
    .option('--strict', 'count known findings as counterexamples')
    .option('--no-save', 'store no new regression files')
    .option('--regressions <folder>', 'folder of regression files', 'regressions')
    .addOption(reportOption())
    .addOption(mailOption())
    .option('--json', 'the report as JSON instead of text')
    .action(async (options: CheckCommandOptions | CheckLinuxOptions) => {
      if (options.target === 'linux') {
        const { checkLinux } = await import('./check-linux-action.ts');
        return checkLinux(options, raiseExitCode);
      }
      const { check } = await import('./check-action.ts');
      await check(options, raiseExitCode);
    });
