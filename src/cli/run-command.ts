import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { violationsOf } from '../invariants/index.ts';
import { traceToJson, traceToText } from '../report/index.ts';
import { InvalidInput, parseJson, toJsonLine, type Scenario } from '../scenario/index.ts';
import { runOnModel } from '../target/model/model-target.ts';
import { UnknownRevision } from '../target/model/unknown-revision.ts';
import type { Conclude } from './command-line.ts';
import { ExitCode } from './exit-code.ts';
import { loadScenario, revisionOf, scenarioOf } from './load-scenario.ts';

interface RunOptions {
  readonly json?: true;
  readonly revision?: string;
}

/** `barproof run`: carries scenarios out and shows what comes of them, without judging. */
export const runCommand = (conclude: Conclude): Command =>
  new Command('run')
    .description('run scenarios and show flat view, DMA mappings, memslots and events')
    .argument('<file...>', 'scenario or regression files; - reads one scenario a line from standard input')
    .option('--json', 'one line of JSON for each scenario')
    .option('--revision <id>', 'run them on this revision instead of their own')
    .action(async (files: readonly string[], options: RunOptions) => {
      if (options.revision !== undefined) revisionOf(options.revision);
      for (const file of files) {
        if (file === '-') await runLines(options, conclude);
        else process.stdout.write(show(loadScenario(file), options));
      }
    });

function show(scenario: Scenario, { json, revision: id }: RunOptions): string {
  const revision = revisionOf(id ?? scenario.revision);
  const trace = runOnModel(scenario, revision);
  const violations = violationsOf(trace);
  return json
    ? `${toJsonLine(traceToJson(trace, violations, revision.mtree))}\n`
    : traceToText(trace, violations, revision.mtree);
}

/** One scenario a line; a line that is none is answered in its place, and the rest goes on. */
async function runLines(options: RunOptions, conclude: Conclude): Promise<void> {
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    number++;
    if (line.trim() === '') continue;
    let answer: string;
    try {
      answer = show(scenarioOf(parseJson(line)), options);
    } catch (error) {
      const problems = problemsOf(error);
      conclude(ExitCode.COULD_NOT_RUN);
      for (const { path, message } of problems) {
        process.stderr.write(`✖ line ${number}${path === '' ? '' : `: ${path}`}: ${message}\n`);
      }
      answer = options.json ? `${toJsonLine({ problems })}\n` : '';
    }
    if (!process.stdout.write(answer)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

function problemsOf(error: unknown): InvalidInput['problems'] {
  if (error instanceof InvalidInput) return error.problems;
  if (error instanceof UnknownRevision) return [{ path: 'revision', message: error.message }];
  throw error;
}
