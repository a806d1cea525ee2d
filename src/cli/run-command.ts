import { Command } from 'commander';
import { caseInputs, type LoadedCase } from '../campaign/index.ts';
import { violationsOf } from '../invariants/index.ts';
import { requireRevision, type ScenarioRunner } from '../model/index.ts';
import { traceToJson, traceToText } from '../report/index.ts';
import { toJsonLine } from '../scenario/index.ts';
import { examples } from './examples.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { addTargetOptions, openRunner, type TargetOptions } from './target-options.ts';
import { tryInput } from './try-input.ts';
import { writeOut } from './write-out.ts';

interface RunOptions extends TargetOptions {
  readonly json?: true;
  readonly revision?: string;
}

/** `barproof run`: runs scenarios and prints the resulting state; a violation does not change the exit code. */
export const runCommand = (raiseExitCode: RaiseExitCode): Command =>
  addTargetOptions(new Command('run'))
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
      if (options.revision !== undefined) requireRevision(options.revision, '--revision');
      const runner = await openRunner(options);
      try {
        for await (const { name, isLine, load } of caseInputs(files)) {
          const problems = await tryInput(name, raiseExitCode, async () =>
            writeOut(await run(load(), runner, options)),
          );
          // A program that reads the output expects one line for each scenario of the input.
          if (problems && isLine && options.json) await writeOut(`${toJsonLine({ problems })}\n`);
        }
      } finally {
        await runner.close();
      }
    });

async function run(
  { scenario }: LoadedCase,
  runner: ScenarioRunner,
  { json, revision: id }: RunOptions,
): Promise<string> {
  const revision = requireRevision(id ?? scenario.revision);
  const trace = await runner.run(scenario, revision);
  const violations = violationsOf(trace);
  return json
    ? `${toJsonLine(traceToJson(trace, violations, revision.mtree))}\n`
    : traceToText(trace, violations, revision.mtree);
}
