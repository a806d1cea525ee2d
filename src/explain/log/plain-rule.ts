import type { LogRule, Remedies, Severity } from './log-finding.ts';

/** A kind of line whose meaning does not depend on its numbers. */
export interface PlainRule {
  readonly id: string;
  readonly pattern: RegExp;
  readonly severity: Severity;
  readonly verdict: string;
  readonly limit: string;
  readonly why: string;
  readonly remedies?: Remedies;
}

const DEVICE = /\b(?:vfio(?:-pci)? )?((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])\b/;
const BAR = /\bBAR ?(\d)\b/;

/** The rule with the device and the BAR that its line names. */
export const plainRule = ({ id, pattern, remedies = {}, why, ...meaning }: PlainRule): LogRule => ({
  id,
  pattern,
  explain: (match) => {
    const device = DEVICE.exec(match.input)?.[1];
    const bar = BAR.exec(match.input)?.[1];
    const subject = [bar === undefined ? undefined : `BAR ${bar}`, device]
      .filter((part) => part !== undefined)
      .join(' of ');
    return { ...meaning, why: [why], remedies, subject: subject === '' ? undefined : subject };
  },
});
