import { Command } from 'commander';
import { findInvariant, violationsOf } from '../invariants/index.ts';
import { failureBlock } from '../report/index.ts';
import { runOnModel } from '../target/model/model-target.ts';
import type { Conclude } from './command-line.ts';
import { ExitCode } from './exit-code.ts';
import { loadScenario, revisionOf } from './load-scenario.ts';

/** `barproof replay`: runs stored cases again and judges them. */
export const replayCommand = (conclude: Conclude): Command =>
  new Command('replay')
    .description('run scenario or regression files and say which invariants they break')
    .argument('<file...>', 'scenario or regression files')
    .option('--revision <id>', 'run them on this revision instead of their own')
    .action((files: readonly string[], { revision: id }: { readonly revision?: string }) => {
      const scenarios = files.map((file) => [file, loadScenario(file)] as const);
      for (const [file, scenario] of scenarios) {
        const revision = revisionOf(id ?? scenario.revision);
        const trace = runOnModel(scenario, revision);
        const violations = violationsOf(trace);
        if (violations.length === 0) {
          process.stdout.write(`+ ${file}: every invariant holds on ${revision.id}\n`);
          continue;
        }
        process.stdout.write(`x ${file}: on ${revision.id}\n`);
        for (const [index, violation] of violations.entries()) {
          const { invariant, cause } = violation;
          const { severity } = findInvariant(invariant);
          if (severity === 'error') conclude(ExitCode.COUNTEREXAMPLE);
          const origin = { kind: 'regression', file } as const;
          const finding = {
            invariant,
            cause,
            severity,
            scenario,
            violation,
            trace,
            cases: 0,
            origin,
            known: undefined,
          };
          process.stdout.write(`\n${failureBlock(finding, index + 1, undefined)}`);
        }
        process.stdout.write('\n');
      }
    });
