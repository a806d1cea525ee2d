import { Command } from 'commander';
import { printFlatViews, printTree } from '../memory/index.ts';
import { runToTheEnd } from '../target/model/model-target.ts';
import type { Conclude } from './command-line.ts';
import { loadScenario, revisionOf } from './load-scenario.ts';

interface MtreeOptions {
  readonly flat?: true;
  readonly disabled?: true;
  readonly revision?: string;
}

/** `barproof mtree`: prints the memory map after a scenario as the revision's QEMU does. */
export const mtreeCommand = (_conclude: Conclude): Command =>
  new Command('mtree')
    .description("print QEMU's `info mtree` after a scenario's last operation")
    .argument('<file>', 'scenario or regression file')
    .option('-f, --flat', 'flat views, as `info mtree -f`')
    .option('-D, --disabled', 'also regions that are disabled, as `info mtree -D`')
    .option('--revision <id>', "print it as this revision instead of the scenario's own")
    .action((file: string, { flat, disabled, revision: id }: MtreeOptions) => {
      const scenario = loadScenario(file);
      const revision = revisionOf(id ?? scenario.revision);
      const { spaces, end } = runToTheEnd(scenario, revision);
      if (end.outcome !== 'ok') process.stderr.write(`${end.outcome}: ${end.error}\n`);
      const { mtree } = revision;
      process.stdout.write(
        flat ? printFlatViews(spaces, mtree) : printTree(spaces, mtree, { disabled: disabled ?? false }),
      );
    });
