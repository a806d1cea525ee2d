import { Command } from 'commander';
import { loadCase, replayCase } from '../campaign/index.ts';
import { requireRevision } from '../model/index.ts';
import { replayText } from '../report/index.ts';
import { examples } from './examples.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { addTargetOptions, openRunner, type TargetOptions } from './target-options.ts';
import { tryInput } from './try-input.ts';

interface ReplayOptions extends TargetOptions {
  readonly revision?: string;
}

/** `barproof replay`: runs stored cases again, judges them, and compares the runs with what the files record. */
export const replayCommand = (raiseExitCode: RaiseExitCode): Command =>
  addTargetOptions(new Command('replay'))
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
    .action(async (files: readonly string[], options: ReplayOptions) => {
      const { revision: id } = options;
      if (id !== undefined) requireRevision(id, '--revision');
      const runner = await openRunner(options);
      try {
        for (const file of files) {
          await tryInput(file, raiseExitCode, async () => {
            const replay = await replayCase(loadCase(file), (scenario) =>
              runner.run(scenario, requireRevision(id ?? scenario.revision)),
            );
            process.stdout.write(replayText(file, replay));
            if (replay.isCounterexample) raiseExitCode(ExitCode.COUNTEREXAMPLE);
          });
        }
      } finally {
        await runner.close();
      }
    });
