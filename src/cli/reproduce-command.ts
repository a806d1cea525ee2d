import { Command } from 'commander';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import type { ReproduceOptions } from './reproduce-action.ts';

/** `barproof reproduce`: makes a program of Python that shows a finding on a real QEMU. */
export const reproduceCommand = (_raiseExitCode: RaiseExitCode): Command =>
  new Command('reproduce')
    .description(
      'print one file of Python that shows a finding on a real QEMU, for a reader without barproof',
    )
    .addHelpText(
      'before',
      examples([
        ['barproof reproduce case.json -o show.py', 'writes show.py, to run by: python3 show.py'],
        ['barproof reproduce case.json | python3 -', 'shows it now, with the QEMU in PATH'],
      ]),
    )
    .argument('<file>', 'scenario or regression file')
    .option('-o, --output <file>', 'write the program into this file')
    .action(async (file: string, options: ReproduceOptions) => {
      const { reproduce } = await import('./reproduce-action.ts');
      await reproduce(file, options);
    });
