import { printable } from '../../input/index.ts';
import { count, labelled, lineWidth, shortened, wrap } from '../../report/index.ts';
import type { LogFinding, Severity } from './log-finding.ts';

const INDENT = '   ';
const LONGEST_LINE = 400;
const ORDER: readonly Severity[] = ['fatal', 'depends', 'goes on', 'harmless'];

/** What lines of a log mean, for people: the fatal ones first. */
export const logText = (findings: readonly LogFinding[]): string =>
  findings
    .toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || a.line - b.line)
    .map(findingText)
    .join('\n');

function findingText({ line, text, repeats, verdict, subject, limit, why, remedies }: LogFinding): string {
  const again = repeats.length === 0 ? '' : ` (and in ${count(repeats.length, 'more line')})`;
  const changes: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['host', remedies.host],
    ['QEMU', remedies.qemu],
    ['guest', remedies.guest],
  ];
  const lines = [
    ...wrap(printable(shortened(text, LONGEST_LINE)), lineWidth(), 2),
    '',
    ...labelled('verdict', verdict),
    ...labelled('limit', limit),
    ...(subject === undefined ? [] : labelled('what', printable(subject))),
    ...why.flatMap((sentence, index) => labelled(index === 0 ? 'why' : '', printable(sentence))),
    ...changes.flatMap(([place, actions]) =>
      (actions ?? []).flatMap((action, index) => labelled(index === 0 ? place : '', action)),
    ),
  ];
  return `line ${line}${again}\n${lines.map((row) => (row === '' ? '\n' : `${INDENT}${row}\n`)).join('')}`;
}
