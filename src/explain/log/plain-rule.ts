import { errorNumber, errorText } from './error-number.ts';
import { deviceIn } from './line-subject.ts';
import type { LogRule, Remedies, Severity } from './log-finding.ts';

/** A kind of line whose meaning does not depend on its addresses. */
export interface PlainRule {
  readonly id: string;
  readonly pattern: RegExp;
  readonly severity: Severity;
  readonly verdict: string;
  readonly limit: string;
  readonly why: string;
  /** What the error that ends the line says beyond `why`, by its number; perhaps it tells the limit. */
  readonly errors?: Readonly<Record<number, string | { readonly limit: string; readonly why: string }>>;
  readonly remedies?: Remedies;
}

const BAR = /\bBAR ?(\d)\b/;

/** The rule with the device and the BAR that its line names. */
export const plainRule = ({
  id,
  pattern,
  remedies = {},
  why,
  errors = {},
  ...meaning
}: PlainRule): LogRule => ({
  id,
  pattern,
  explain: ({ input }) => {
    const bar = BAR.exec(input)?.[1];
    const subject = [bar === undefined ? undefined : `BAR ${bar}`, deviceIn(input)]
      .filter((part) => part !== undefined)
      .join(' of ');
    const errno = errorAtEnd(input);
    const error = errno === undefined ? undefined : errors[errno];
    const told = typeof error === 'string' ? { why: error } : error;
    return {
      ...meaning,
      ...told,
      why: told === undefined ? [why] : [why, `${errorText(errno!)}: ${told.why}`],
      remedies,
      subject: subject === '' ? undefined : subject,
    };
  },
});

/** The error behind the last colon of a line, or its number. */
const errorAtEnd = (line: string): number | undefined =>
  errorNumber(/(?:: |error |, )([^:,]+?)\.?$/.exec(line.trim())?.[1]?.replace(/ \(\d+\)$/, ''));
