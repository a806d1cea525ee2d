import { fstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { violationsOf } from '../invariants/index.ts';
import { traceToJson, traceToText } from '../report/index.ts';
import { toJsonLine } from '../scenario/index.ts';
import { InvalidInput, parseJson } from '../input/index.ts';
import { requireRevision } from '../model/index.ts';
import { complain } from './complain.ts';
import { examples } from './examples.ts';
import { ExitCode, type Conclude } from './exit-code.ts';
import { loadScenario, scenarioIn, type Given } from './load-scenario.ts';
import { openRunner, withTarget, type Runner, type TargetOptions } from './targets.ts';
import { withEach } from './with-each.ts';

interface RunOptions extends TargetOptions {
  readonly json?: true;
  readonly revision?: string;
}

const STANDARD_INPUT = '-';
const STDIN_FILENO = 0;

/** `barproof run`: carries scenarios out and shows what comes of them, without judging. */
export const runCommand = (conclude: Conclude): Command =>
  withTarget(new Command('run'))
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
        for (const file of files) {
          if (file === STANDARD_INPUT) await runLines(runner, options, conclude);
          else
            await withEach([file], conclude, async () => {
              process.stdout.write(await show(loadScenario(file), runner, options));
            });
        }
      } finally {
        await runner.close();
      }
    });

async function show(
  { scenario }: Given,
  runner: Runner,
  { json, revision: id }: RunOptions,
): Promise<string> {
  const revision = requireRevision(id ?? scenario.revision);
  const trace = await runner.run(scenario, revision);
  const violations = violationsOf(trace);
  return json
    ? `${toJsonLine(traceToJson(trace, violations, revision.mtree))}\n`
    : traceToText(trace, violations, revision.mtree);
}

/** One scenario a line; a line that is none is answered in its place, and the rest goes on. */
async function runLines(runner: Runner, options: RunOptions, conclude: Conclude): Promise<void> {
  let number = 0;
  for await (const line of standardInput()) {
    number++;
    if (line.trim() === '') continue;
    let answer: string;
    try {
      answer = await show(scenarioIn(parseJson(line)), runner, options);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      conclude(ExitCode.COULD_NOT_RUN);
      complain(error.within(`line ${number}`));
      answer = options.json ? `${toJsonLine({ problems: error.problems })}\n` : '';
    }
    if (!process.stdout.write(answer)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

/** @throws InvalidInput when standard input cannot be read. */
async function* standardInput(): AsyncGenerator<string> {
  // Node takes a directory for an input that is at its end.
  if (fstatSync(STDIN_FILENO).isDirectory()) throw unreadable('EISDIR');
  try {
    yield* createInterface({ input: process.stdin });
  } catch (error) {
    throw unreadable((error as NodeJS.ErrnoException).code ?? String(error));
  }
}

const unreadable = (reason: string): InvalidInput =>
  new InvalidInput([{ path: '', message: `standard input cannot be read (${reason})` }]);
