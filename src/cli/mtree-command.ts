import { Command } from 'commander';
import { printFlatViews, printTree } from '../memory/index.ts';
import { runToTheEnd, requireRevision } from '../model/index.ts';
import { examples } from './examples.ts';
import { loadScenario, naming } from './load-scenario.ts';
import type { Conclude } from './exit-code.ts';

interface MtreeOptions {
  readonly flat?: true;
  readonly disabled?: true;
  readonly revision?: string;
}

/** `barproof mtree`: prints the memory map after a scenario as the revision's QEMU does. */
export const mtreeCommand = (_conclude: Conclude): Command =>
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
    .option('-D, --disabled', 'also regions that are disabled, as `info mtree -D`')
    .option('--revision <id>', "print it as this revision instead of the scenario's own")
    .action((file: string, { flat, disabled, revision: id }: MtreeOptions) => {
      if (id !== undefined) requireRevision(id, '--revision');
      const { mtree, spaces, end } = naming(file, () => {
        const { scenario } = loadScenario(file);
        const revision = requireRevision(id ?? scenario.revision);
        return { mtree: revision.mtree, ...runToTheEnd(scenario, revision) };
      });
      if (end.outcome !== 'ok') process.stderr.write(`${end.outcome}: ${end.error}\n`);
      process.stdout.write(
        flat ? printFlatViews(spaces, mtree) : printTree(spaces, mtree, { disabled: disabled ?? false }),
      );
    });
