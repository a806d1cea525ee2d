import { Command } from 'commander';
import { loadCase } from '../campaign/index.ts';
import { prefixProblems } from '../input/index.ts';
import { mtreeAfter, requireRevision, type MtreeOptions } from '../model/index.ts';
import { examples } from './examples.ts';
import type { RaiseExitCode } from './exit-code.ts';

interface MtreeCommandOptions extends MtreeOptions {
  readonly revision?: string;
}

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
    .action((file: string, { revision: id, ...form }: MtreeCommandOptions) => {
      if (id !== undefined) requireRevision(id, '--revision');
      const { text, end } = prefixProblems(file, () => {
        const { scenario } = loadCase(file);
        return mtreeAfter(scenario, requireRevision(id ?? scenario.revision), form);
      });
      if (end.outcome !== 'ok')
        process.stderr.write(`${end.outcome}: ${end.error}; this is the memory map at that moment\n`);
      process.stdout.write(text);
    });
