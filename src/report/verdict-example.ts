import { stabilityText } from '../campaign/index.ts';
import { findInvariant, type Fingerprint } from '../invariants/index.ts';
import type { CauseVerdict, Counterexample, Verdict, VerdictFinding } from '../validate/index.ts';
import { byStatus, causeText } from './cause-text.ts';
import { count } from './count.ts';
import { DESCRIPTION_COLUMN, describeScenario } from './describe-scenario.ts';
import { drawMemoryMap } from './memory-map.ts';
import { siteLines } from './site-lines.ts';
import { byRealism } from '../scenario/index.ts';
import { fitted, label, labelled, lineWidth, mapWidth, wrap } from './wrap.ts';

/** A block for every finding: broken ones first, and of equals those that a real machine can show. */
export const exampleBlocks = (
  verdict: Verdict,
  again: (finding: VerdictFinding) => string | undefined,
): string[][] =>
  verdict.findings
    .map((finding) => ({ finding, status: causeOf(verdict, finding).status }))
    .toSorted(
      (a, b) =>
        byStatus(a, b) || byRealism(a.finding.counterexample.scenario, b.finding.counterexample.scenario),
    )
    .map(({ finding }, index) => exampleBlock(verdict, finding, index + 1, again(finding)));

/** What the verdict says of a cause that one of its findings names. */
export const causeOf = ({ invariants }: Verdict, { invariant, cause }: Fingerprint): CauseVerdict =>
  invariants.find((other) => other.invariant === invariant)!.causes.find((other) => other.cause === cause)!;

/** The smallest case in which the sides differ: the violation, the scenario, and both memory maps. */
function exampleBlock(
  verdict: Verdict,
  finding: VerdictFinding,
  number: number,
  again: string | undefined,
): string[] {
  const { sides } = verdict;
  const { counterexample, effect } = finding;
  const { scenario, violations, traces, shrinks, stability } = counterexample;
  const violation = (violations.patched ?? violations.base)!;
  const { clause } = findInvariant(finding.invariant);
  const maps = mapsOf(counterexample, mapWidth());
  const also = finding.also.map((other) => {
    const text = `also ${effect} ${other.invariant} / ${other.cause}: ${causeText(causeOf(verdict, other).cases)}`;
    return wrap(text, lineWidth(), 2).join('\n   ');
  });
  const paragraphs = [
    wrap(violation.message, lineWidth()),
    ofTheBase(causeOf(verdict, finding)),
    also,
    describeScenario(scenario, violation.step).flatMap((line) => fitted(line, DESCRIPTION_COLUMN)),
    ...(['base', 'patched'] as const).map((side) => [
      ...wrap(`${side}: ${sides[side].id} ${howItEnds(traces[side])}`, lineWidth(), 2),
      ...(maps[side].length > 0 ? maps[side] : ['(no region of the device is in the memory map)']),
    ]),
    [
      ...labelled('expected', clause),
      ...siteLines(violation, traces[violations.patched === undefined ? 'base' : 'patched']),
      ...(again === undefined ? [] : [`${label('again')}${again}`]),
    ],
  ].filter((lines) => lines.length > 0);
  const body = paragraphs.map((lines) => lines.map((line) => `   ${line}`).join('\n')).join('\n\n');
  const heading = `${finding.invariant} / ${finding.cause}: ${causeText(causeOf(verdict, finding).cases)}`;
  const stable = stability === undefined ? '' : `; ${stabilityText(stability)}`;
  const title = `${number}  ${heading}, shrunk in ${count(shrinks, 'step')}${stable}`;
  return [...fitted(title, 3), '', body];
}

/** That the base shows the cause too, where the patch only brings the fault to other cases. */
function ofTheBase({ status, cases: { both, fixed, hidden } }: CauseVerdict): readonly string[] {
  if (status !== 'worse') return [];
  const text = `the base shows this cause, too, in ${count(both + fixed + hidden, 'other case')}`;
  return wrap(text, lineWidth());
}

/**
 * The memory map of each side at the violation; for the side without one, at the violation of the other side.
 *
 * @param width the longest line, in characters.
 */
export function mapsOf(
  { traces, violations }: Counterexample,
  width?: number,
): { base: string[]; patched: string[] } {
  const violation = (violations.patched ?? violations.base)!;
  return {
    base: drawMemoryMap(traces.base, violations.base ?? violation, width),
    patched: drawMemoryMap(traces.patched, violations.patched ?? violation, width),
  };
}

function howItEnds({ outcome, error = '' }: Counterexample['traces']['base']): string {
  if (outcome === 'ok') return 'completes all steps';
  return `${outcome === 'rejected' ? 'refuses the device' : 'dies'}: ${error}`;
}
