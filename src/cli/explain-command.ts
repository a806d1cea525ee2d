import { Command } from 'commander';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import type { ExplainCommandOptions } from './explain-action.ts';

/** `barproof explain`: says what texts from the field mean. */
export const explainCommand = (_raiseExitCode: RaiseExitCode): Command =>
  new Command('explain')
    .description('say what a pasted text means: lspci, sysfs, info mtree, a line of a log, a scenario')
    .addHelpText(
      'before',
      examples([
        ['lspci -vv | barproof explain -', 'what of each device is trapped, and which device is worst'],
        ['barproof explain qemu.log nic.txt', 'what an error means, and which BAR of nic.txt it is about'],
      ]),
    )
    .argument('<text...>', 'files, folders of devices in /sys/bus/pci/devices, or - for standard input')
    .option('--host <name>', 'the host to hold the texts to, such as laptop-39 or arm64-64k')
    .option('--json', 'the answers as JSON')
    .option(
      '--svg <file>',
      'draw the memory map: of the case, the dump, the worst device, or the refused map',
    )
    .option('--scenario <file>', 'write the scenario that was made of the texts')
    .action(async (texts: readonly string[], options: ExplainCommandOptions) => {
      const { explainTexts } = await import('./explain-action.ts');
      await explainTexts(texts, options);
    });
