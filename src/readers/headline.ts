import type { Finding } from '../campaign/index.ts';
import { count } from '../report/index.ts';

/** So many invariants are named; the others are counted. */
const MOST_NAMED = 3;

/** What a subject breaks, in one line: `seed-v2 breaks 2 invariants in 3 ways: map-aligned, no-abort`. */
export function brokenText(
  subject: string,
  findings: readonly Pick<Finding, 'invariant' | 'severity'>[],
  knownFindings: number,
): string {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) {
    const beside = knownFindings > 0 ? ` beside ${count(knownFindings, 'known finding')}` : '';
    return `${subject} breaks no invariant${beside}`;
  }
  const broken = [...new Set(errors.map(({ invariant }) => invariant))];
  const more = broken.length > MOST_NAMED ? `, and ${broken.length - MOST_NAMED} more` : '';
  const named = broken.slice(0, MOST_NAMED).join(', ');
  return `${subject} breaks ${count(broken.length, 'invariant')} in ${count(errors.length, 'way')}: ${named}${more}`;
}
