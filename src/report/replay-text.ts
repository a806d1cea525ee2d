import { findingOf, type Replay, type StoredComparison } from '../campaign/index.ts';
import { printable } from '../input/index.ts';
import { fingerprintText } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';
import { failureBlock } from './failure-block.ts';
import { unseenBarLines } from './unseen-bars.ts';
import { fittedText, labelled } from './wrap.ts';

/** A replay for people: one line about the case, and a block for every invariant that it breaks. */
export function replayText(file: string, replay: Replay): string {
  const { trace, violations, comparison, explanation } = replay;
  const mark = violations.length === 0 ? '+' : 'x';
  const found = new Set(violations.map(fingerprintText));
  const breaks = found.size === 0 ? 'every invariant holds' : `breaks ${[...found].join(', ')}`;
  const caveat = trace.notCompared === undefined ? '' : `, not compared with the model: ${trace.notCompared}`;
  const since = comparison === undefined ? '' : comparisonText(comparison);
  const findings = violations.map((violation) => findingOf(trace, violation));
  const blocks = findings.map(
    (finding, index) => `\n${failureBlock(finding, { number: index + 1, previous: findings[index - 1] })}`,
  );
  return [
    fittedText([`${mark} ${printable(file)}: ${breaks} on ${trace.revision}${caveat}${since}`]),
    ...(explanation === undefined ? [] : explanationLines(explanation)),
    ...(violations.length === 0 ? endLines(trace) : []),
    fittedText(unseenBarLines(trace).map((line) => `  note: ${line}`)),
    ...blocks,
    blocks.length > 0 ? '\n' : '',
  ].join('');
}

/** How a run ended early that breaks nothing: a machine that does not start holds every invariant. */
function endLines({ outcome, error = '' }: Trace): string[] {
  if (outcome === 'ok') return [];
  const what = outcome === 'rejected' ? 'the VMM refuses the machine or a device' : 'the VMM dies';
  return labelled('end', printable(`${what}: ${error}`)).map((line) => `  ${line}\n`);
}

const explanationLines = (explanation: string): string[] =>
  labelled('why', printable(explanation)).map((line) => `  ${line}\n`);

function comparisonText(comparison: StoredComparison): string {
  switch (comparison.kind) {
    case 'unchanged':
      return ', as recorded';
    case 'other-target':
      return `; the file records a run of ${comparison.target}`;
    case 'fixed':
      return `; fixed: ${comparison.fingerprints.join(', ')}`;
    case 'changed': {
      const { observed, outcome } = comparison;
      const before = observed.violations.join(', ') || 'no violation';
      const now = outcome === undefined ? '' : `, now ${outcome}`;
      return `; the file records ${before}, outcome ${observed.outcome}${now}`;
    }
  }
}
