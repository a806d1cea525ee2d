import type { ReportedFinding } from './report-event.ts';

/** The identity of a finding, the same in every report: `map-aligned/bar-fragment-unaligned`. */
export const fingerprintOf = ({ rule, cause }: Pick<ReportedFinding, 'rule' | 'cause'>): string =>
  `${rule}/${cause}`;

/** A finding in lines of plain text, for readers that have no pictures. */
export const findingLines = (finding: ReportedFinding): readonly string[] => {
  const { message, description, pictures, expected, observed, site, realism, known, again } = finding;
  return [
    message,
    '',
    ...description,
    ...pictures.flatMap(({ caption, table }) =>
      table.length === 0 ? [] : ['', ...(pictures.length > 1 ? [caption] : []), ...table],
    ),
    '',
    `expected: ${expected}`,
    `observed: ${observed}`,
    ...(site === undefined ? [] : [`in: ${site}`]),
    ...(realism === undefined ? [] : [`realism: ${realism}`]),
    ...(known === undefined ? [] : [`known: ${known}`]),
    ...(again === undefined ? [] : [`again: ${again}`]),
  ];
};

/** Whether the finding makes its command fail: what a patch mends or uncovers does not, and no warning does. */
export const isFault = ({ severity, effect }: ReportedFinding): boolean =>
  severity === 'error' && (effect === undefined || effect === 'breaks');
