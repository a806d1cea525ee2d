import { join } from 'node:path';
import { formatRegression, type Regression } from '../campaign/index.ts';
import { writeAtomically } from '../input/index.ts';
import { findInvariant, fingerprintText, violationsOf } from '../invariants/index.ts';
import type { Verdict } from './verdict.ts';
import type { VerdictFinding } from './verdict-findings.ts';

/** Where the counterexamples of a verdict are stored, and what is written beside them. */
export interface SaveCounterexamples {
  /** The folder of regression files. */
  readonly directory: string;
  /** The command line that made the verdict. */
  readonly command: string;
  /** Version of barproof. */
  readonly version: string;
  /** Today as YYYY-MM-DD. */
  readonly date: string;
  /** The real QEMU that was the base; left out for a revision of the model. */
  readonly target?: string;
}

/**
 * Stores the smallest case of every finding as `PATCHED/INVARIANT--CAUSE.json`. The file records the run of the base,
 * so that a check of the base takes the case for what it is: no fault of the base.
 *
 * @returns the path of each finding's file.
 * @throws InvalidInput when a file cannot be written.
 */
export function saveCounterexamples(
  verdict: Verdict,
  options: SaveCounterexamples,
): ReadonlyMap<VerdictFinding, string> {
  const folder = verdict.sides.patched.id.replaceAll(/[^\w.+-]+/g, '-').slice(0, 100);
  const files = new Map<VerdictFinding, string>();
  for (const finding of verdict.findings) {
    const name = `${finding.invariant}--${finding.cause}.json`;
    const file = join(options.directory, folder, name);
    writeAtomically(file, formatRegression(regressionOf(finding, verdict, options)));
    files.set(finding, file);
  }
  return files;
}

function regressionOf(
  { invariant, cause, effect, counterexample }: VerdictFinding,
  { sides }: Verdict,
  { command, version, date, target }: SaveCounterexamples,
): Regression {
  const { scenario, traces, violations } = counterexample;
  const { base } = traces;
  return {
    schema: 1,
    invariant,
    cause,
    title: `${sides.patched.id} ${effect}: ${(violations.patched ?? violations.base)!.message}`,
    status: 'expected',
    expected: findInvariant(invariant).clause,
    observed: {
      outcome: base.outcome,
      violations: violationsOf(base).map(fingerprintText),
      ...(target !== undefined && { target }),
    },
    failsOn: [...(violations.base ? [sides.base.id] : []), ...(violations.patched ? [sides.patched.id] : [])],
    provenance: { source: command, version, date },
    scenario,
  };
}
