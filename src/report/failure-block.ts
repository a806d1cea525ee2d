import { stabilityText, type Finding } from '../campaign/index.ts';
import { findInvariant } from '../invariants/index.ts';
import { describeScenario } from './describe-scenario.ts';
import { drawMemoryMap } from './memory-map.ts';
import { LINE_WIDTH, label, labelled, wrap } from './wrap.ts';

/** What stands around a finding in its report. */
export interface FailureContext {
  /** Number of the finding in its report. */
  readonly number: number;
  /** The command that shows it again, where there is one. */
  readonly replay?: string | undefined;
  /** The finding that was shown just before, of the same run: what both have in common is not shown twice. */
  readonly previous?: Finding | undefined;
}

/**
 * Everything that somebody needs who sees a finding for the first time: what broke, the sentence that
 * says why, the smallest scenario, the memory map, expected and observed, and how to see it again.
 */
export function failureBlock(finding: Finding, { number, replay, previous }: FailureContext): string {
  const { invariant, cause, severity, violation, scenario, trace } = finding;
  const { clause, site } = findInvariant(invariant);
  const kind = severity === 'warning' ? 'warning ' : '';
  const judgement = [
    ...labelled('expected', clause),
    ...labelled('observed', observed(finding)),
    ...labelled('in QEMU', site),
  ];
  // A command is to be copied: it stays in one piece.
  if (replay !== undefined) judgement.push(label('again') + replay);
  const isSameRun = previous?.trace === trace;
  const map = drawMemoryMap(trace, violation);
  const isSameMap = isSameRun && drawMemoryMap(trace, previous.violation).join('\n') === map.join('\n');
  const paragraphs = [
    wrap(violation.message, LINE_WIDTH),
    isSameRun ? [] : describeScenario(scenario, violation.step),
    isSameMap ? [] : map,
    judgement,
  ].filter((lines) => lines.length > 0);
  const body = paragraphs.map((lines) => lines.map((line) => `   ${line}\n`).join('')).join('\n');
  return `${number}  ${kind}${invariant} / ${cause}${howOften(finding)}\n\n${body}`;
}

function howOften({ cases, origin, stability }: Finding): string {
  if (origin.kind === 'scenario') return '';
  if (origin.kind === 'regression') return `   (a case stored for ${origin.stored})`;
  const times = cases === 1 ? '1 case' : `${cases} cases`;
  return `   (${times}, first at ${origin.run + 1}; shrunk in ${origin.shrinks} steps${stability === undefined ? '' : `; ${stabilityText(stability)}`})`;
}

function observed({ trace, violation }: Finding): string {
  const total = trace.steps.length - 1;
  // How the run ended says something only about what broke in its last step.
  if (violation.step === total) {
    if (trace.outcome === 'aborted') return `the VMM dies: ${trace.error ?? ''}`;
    if (trace.outcome === 'rejected') return `the device is refused: ${trace.error ?? ''}`;
  }
  if (violation.step === 0) return 'when the machine has started';
  return violation.step > total
    ? 'after everything is taken away'
    : `after step ${violation.step} of ${total}`;
}
