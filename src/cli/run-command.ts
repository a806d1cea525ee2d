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

interface RunOptions extends TargetOptions {
  readonly json?: true;
  readonly revision?: string;
}

/** `barproof run`: carries scenarios out and shows what comes of them, without judging. */
export const runCommand = (raiseExitCode: RaiseExitCode): Command =>
  addTargetOptions(new Command('run'))
    .description('run scenarios and show flat view, DMA mappings, memslots and events')
    .addHelpText(
      'before',
      examples([
        ['barproof run case.json', 'for people'],
        ['barproof run --json - < cases.ndjson', 'a scenario a line in, a line of JSON out for each'],
      ]),
    )
    .argument('<file...>', 'scenario or regression files; - reads one scenario a line from standard input')
    .option('--json', 'one line of JSON for each scenario')
    .option('--revision <id>', 'run them on this revision instead of their own')
    .action(async (files: readonly string[], options: RunOptions) => {
      if (options.revision !== undefined) requireRevision(options.revision, '--revision');
      const runner = await openRunner(options);
      try {
        for await (const { name, isLine, load } of caseInputs(files)) {
          const problems = await tryInput(name, raiseExitCode, async () =>
            write(await run(load(), runner, options)),
          );
          // Whoever reads the lines of the output counts on one for each line of the input.
          if (problems && isLine && options.json) await write(`${toJsonLine({ problems })}\n`);
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

/** Writes to standard output, and waits where the reader is slower. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}
