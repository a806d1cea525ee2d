import { findInvariant } from '../invariants/index.ts';
import type { CauseVerdict, Counterexample, InvariantVerdict, Verdict } from '../validate/index.ts';
import { byStatus, causeText } from './cause-text.ts';
import { count } from './count.ts';
import { describeScenario } from './describe-scenario.ts';
import { drawMemoryMap } from './memory-map.ts';
import { LINE_WIDTH, labelled, wrap } from './wrap.ts';

interface Example {
  readonly invariant: InvariantVerdict;
  readonly cause: CauseVerdict;
}

/** A block for every cause that has a counterexample, broken ones first. */
export const exampleBlocks = (verdict: Verdict): string[][] =>
  verdict.invariants
    .flatMap((invariant) => invariant.causes.map((cause) => ({ invariant, cause })))
    .filter(({ cause }) => cause.counterexample !== undefined)
    .toSorted((a, b) => byStatus(a.cause, b.cause))
    .map((example, index) => exampleBlock(verdict, example, index + 1));

/** The smallest case in which the sides differ: the violation, the scenario, and both memory maps. */
function exampleBlock({ sides }: Verdict, { invariant, cause }: Example, number: number): string[] {
  const { scenario, violations, traces, shrinks } = cause.counterexample!;
  const violation = (violations.patched ?? violations.base)!;
  const { clause, site } = findInvariant(invariant.invariant);
  const maps = mapsOf(cause.counterexample!);
  const paragraphs = [
    wrap(violation.message, LINE_WIDTH),
    describeScenario(scenario, violation.step),
    ...(['base', 'patched'] as const).map((side) => [
      ...wrap(`${side}: ${sides[side].id} ${howItEnds(traces[side])}`, LINE_WIDTH, 2),
      ...(maps[side].length > 0 ? maps[side] : ['(no region of the device is in the memory map)']),
    ]),
    [...labelled('expected', clause), ...labelled('in QEMU', site)],
  ];
  const body = paragraphs.map((lines) => lines.map((line) => `   ${line}`).join('\n')).join('\n\n');
  const heading = `${invariant.invariant} / ${cause.cause}: ${causeText(cause.cases)}`;
  return [`${number}  ${heading}, shrunk in ${count(shrinks, 'step')}`, '', body];
}

/** The memory map of each side at the violation; for the side without one, at the violation of the other side. */
export function mapsOf({ traces, violations }: Counterexample): { base: string[]; patched: string[] } {
  const violation = (violations.patched ?? violations.base)!;
  return {
    base: drawMemoryMap(traces.base, violations.base ?? violation),
    patched: drawMemoryMap(traces.patched, violations.patched ?? violation),
  };
}

function howItEnds({ outcome, error = '' }: Counterexample['traces']['base']): string {
  if (outcome === 'ok') return 'completes all steps';
  return `${outcome === 'rejected' ? 'refuses the device' : 'dies'}: ${error}`;
}
