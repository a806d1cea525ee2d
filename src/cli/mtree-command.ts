import { Command } from 'commander';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import type { MtreeCommandOptions } from './mtree-action.ts';

/** `barproof mtree`: prints the memory map after a scenario, as the QEMU of the revision prints it. */
export const mtreeCommand = (_raiseExitCode: RaiseExitCode): Command =>
  new Command('mtree')
    .description("print QEMU's `info mtree` after a scenario's last operation")
    .addHelpText(
      'before',
      examples([
        ['barproof mtree case.json', 'info mtree'],
        ['barproof mtree case.json --flat', 'info mtree -f'],
      ]),
    )
    .argument('<file>', 'scenario or regression file')
    .option('-f, --flat', 'flat views, as `info mtree -f`')
    .option('-D, --disabled', 'disabled regions, too, as `info mtree -D`')
    .option('--revision <id>', "run and print it as this revision instead of the scenario's own")
    .action(async (file: string, options: MtreeCommandOptions) => {
      const { printMemoryMap } = await import('./mtree-action.ts');
      printMemoryMap(file, options);
    });
