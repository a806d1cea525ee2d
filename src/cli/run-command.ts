import { Command } from 'commander';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import type { RunOptions } from './run-action.ts';
import { addRunnerOptions } from './target-options.ts';

/** `barproof run`: runs scenarios and prints the resulting state and the violations. */
export const runCommand = (raiseExitCode: RaiseExitCode): Command =>
  addRunnerOptions(new Command('run'))
    .description(
      'run scenarios and show flat view, DMA mappings and violations; --json adds memslots and events',
    )
    .addHelpText(
      'before',
      examples([
        ['barproof run case.json', 'the state after the last operation, as text'],
        ['barproof run --json - < cases.ndjson', 'one scenario per line in, one line of JSON out for each'],
      ]),
    )
    .argument('<file...>', 'scenario or regression files; - reads one scenario per line from standard input')
    .option('--json', 'one line of JSON for each scenario')
    .option('--revision <id>', 'run them on this revision instead of their own')
    .action(async (files: readonly string[], options: RunOptions) => {
      const { runCases } = await import('./run-action.ts');
      await runCases(files, options, raiseExitCode);
    });
