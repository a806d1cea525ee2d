import type { Finding } from '../campaign/index.ts';
import { findInvariant } from '../invariants/index.ts';
import { describeScenario } from './describe-scenario.ts';
import { drawMemoryMap } from './memory-map.ts';

/**
 * Everything that somebody needs who sees a finding for the first time: what broke, the sentence that
 * says why, the smallest scenario, the memory map, expected and observed, and how to see it again.
 *
 * @param number of the finding in its report.
 * @param replay the command that shows it again, where there is one.
 */
export function failureBlock(finding: Finding, number: number, replay: string | undefined): string {
  const { invariant, cause, severity, violation, scenario, trace } = finding;
  const { clause, site } = findInvariant(invariant);
  const kind = severity === 'warning' ? 'warning ' : '';
  const judgement = [`expected  ${clause}`, `observed  ${observed(finding)}`, `in QEMU   ${site}`];
  if (replay !== undefined) judgement.push(`again     ${replay}`);
  const paragraphs = [
    [violation.message],
    describeScenario(scenario, violation.step),
    drawMemoryMap(trace, violation),
    judgement,
  ].filter((lines) => lines.length > 0);
  const body = paragraphs.map((lines) => lines.map((line) => `   ${line}\n`).join('')).join('\n');
  return `${number}  ${kind}${invariant} / ${cause}${howOften(finding)}\n\n${body}`;
}

function howOften({ cases, origin }: Finding): string {
  if (origin.kind === 'regression') return `   (${origin.file})`;
  const times = cases === 1 ? '1 case' : `${cases} cases`;
  return `   (${times}, first at ${origin.run + 1}; shrunk in ${origin.shrinks} steps)`;
}

function observed({ trace, violation }: Finding): string {
  if (trace.outcome === 'aborted') return `the VMM dies: ${trace.error ?? ''}`;
  if (trace.outcome === 'rejected') return `the device is refused: ${trace.error ?? ''}`;
  const total = trace.steps.length - 1;
  if (violation.step === 0) return 'when the machine has started';
  return violation.step > total
    ? 'after everything is taken away'
    : `after step ${violation.step} of ${total}`;
}
