import { Command } from 'commander';
import { findingOf, type Regression } from '../campaign/index.ts';
import { findInvariant, fingerprintText, violationsOf, type Violation } from '../invariants/index.ts';
import { failureBlock } from '../report/index.ts';
import { requireRevision } from '../model/index.ts';
import type { Trace } from '../trace/index.ts';
import { examples } from './examples.ts';
import { ExitCode, type Conclude } from './exit-code.ts';
import { loadScenario, type Given } from './load-scenario.ts';
import { openRunner, withTarget, type Runner, type TargetOptions } from './targets.ts';
import { withEach } from './with-each.ts';

interface ReplayOptions extends TargetOptions {
  readonly revision?: string;
}

/** `barproof replay`: runs stored cases again, judges them, and compares with what was stored. */
export const replayCommand = (conclude: Conclude): Command =>
  withTarget(new Command('replay'))
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
      await withEach(files, conclude, async (file) => {
        const { given, trace } = await replay(loadScenario(file), id, runner);
        const violations = violationsOf(trace);
        process.stdout.write(`${verdict(file, given.regression, trace, violations)}\n`);
        for (const block of blocks(trace, violations)) process.stdout.write(`\n${block}`);
        if (violations.length > 0) process.stdout.write('\n');
        const isBroken = violations.some(({ invariant }) => findInvariant(invariant).severity === 'error');
        if (isBroken) conclude(ExitCode.COUNTEREXAMPLE);
      }).finally(() => runner.close());
    });

async function replay(
  given: Given,
  id: string | undefined,
  runner: Runner,
): Promise<{ readonly given: Given; readonly trace: Trace }> {
  const revision = requireRevision(id ?? given.scenario.revision);
  return { given, trace: await runner.run(given.scenario, revision) };
}

/** One line: what the case breaks, and what has become of what it was stored for. */
function verdict(
  file: string,
  regression: Regression | undefined,
  { revision, outcome, notCompared }: Trace,
  violations: readonly Violation[],
): string {
  const mark = violations.length === 0 ? '+' : 'x';
  const found = violations.map(fingerprintText);
  const breaks = found.length === 0 ? 'every invariant holds' : `breaks ${[...new Set(found)].join(', ')}`;
  const caveat = notCompared === undefined ? '' : `, not compared with the model: ${notCompared}`;
  return `${mark} ${file}: ${breaks} on ${revision}${caveat}${sinceStored(regression, revision, outcome, found)}`;
}

function sinceStored(
  regression: Regression | undefined,
  revision: string,
  outcome: Trace['outcome'],
  found: readonly string[],
): string {
  // What was seen was seen on the case's own revision; another may do as it likes.
  if (regression === undefined || regression.scenario.revision !== revision) return '';
  const { observed, status } = regression;
  const isTheSame = observed.outcome === outcome && observed.violations.join(' ') === found.join(' ');
  if (isTheSame) return ', as stored';
  // A model need not do what was seen of a real VMM.
  if (observed.target !== undefined) return `; stored was what ${observed.target} does`;
  const gone = observed.violations.filter((stored) => !found.includes(stored));
  if (gone.length > 0 && found.length === 0 && status !== 'fixed') return `; fixed: ${gone.join(', ')}`;
  const before = observed.violations.length === 0 ? 'nothing broken' : observed.violations.join(', ');
  const now = observed.outcome === outcome ? '' : `, now ${outcome}`;
  return `; stored was ${before}, ${observed.outcome}${now}`;
}

function blocks(trace: Trace, violations: readonly Violation[]): string[] {
  const findings = violations.map((violation) => findingOf(trace, violation));
  return findings.map((finding, index) =>
    failureBlock(finding, { number: index + 1, previous: findings[index - 1] }),
  );
}
