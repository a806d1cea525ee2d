import { Command } from 'commander';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import type { ReplayOptions } from './replay-action.ts';
import { mailOption, reportOption } from './report-option.ts';
import { addRunnerOptions, pluginOption } from './target-options.ts';

/** `barproof replay`: runs stored cases again, judges them, and compares the runs with what the files record. */
export const replayCommand = (raiseExitCode: RaiseExitCode): Command =>
  addRunnerOptions(new Command('replay'))
    .description('run scenario or regression files and say which invariants they break')
    .addHelpText(
      'before',
      examples([
        ['barproof replay regressions/seed/cx4-64k.json', 'does this case still break something?'],
        ['barproof replay case.json --revision qemu-11.1', 'does that revision break it, too?'],
      ]),
    )
    .argument('<file...>', 'scenario or regression files')
    .option('--revision <id>', 'run them on this revision instead of their own')
    .addOption(pluginOption())
    .addOption(reportOption())
    .addOption(mailOption())
    .option('--json', 'the report as JSON instead of text')
    .action(async (files: readonly string[], options: ReplayOptions) => {
      const { replay } = await import('./replay-action.ts');
      await replay(files, options, raiseExitCode);
    });
