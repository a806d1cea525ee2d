import { stabilityText, type Finding } from '../campaign/index.ts';
import { count } from './count.ts';

/** How often a search saw the finding, or where its case comes from; empty for a run that the user asked for. */
export function howOften({ cases, origin, stability }: Finding): string {
  if (origin.kind === 'scenario') return '';
  if (origin.kind === 'regression') return `a case stored for ${origin.stored}`;
  const found = `${count(cases, 'case')}, first in case ${origin.run + 1}; shrunk in ${count(origin.shrinks, 'step')}`;
  return stability === undefined ? found : `${found}; ${stabilityText(stability)}`;
}

/** How the run of a finding ended, or in which step the violation is. */
export function observed({ trace, violation }: Finding): string {
  const total = trace.steps.length - 1;
  // The end of the run explains only a violation in the last step.
  if (violation.step === total) {
    if (trace.outcome === 'aborted') return `the VMM dies: ${trace.error ?? ''}`;
    if (trace.outcome === 'rejected') return `the device is refused: ${trace.error ?? ''}`;
  }
  if (violation.step === 0) return 'after the start of the machine';
  return violation.step > total ? 'after teardown' : `after step ${violation.step} of ${total}`;
}
