import { createHash } from 'node:crypto';
import { printable } from '../../input/index.ts';
import { fingerprintOf, isFault } from '../finding-text.ts';
import { lineOf, shownPath, sourceOf } from '../place-of-finding.ts';
import type { ReportedFinding } from '../report-event.ts';
import type { Report } from '../report.ts';

/** The name under which a job of GitLab declares the file as `artifacts:reports:codequality`. */
export const CODE_QUALITY_FILE = 'gl-code-quality-report.json';

/**
 * A report in the form of GitLab's Code Quality, which a merge request shows beside the changed files.
 *
 * @param folder the checkout: GitLab wants paths relative to it.
 */
export function codeQuality(
  { findings, problems, interrupted, plan }: Report,
  folder: string,
): readonly object[] {
  const fingerprints = new Fingerprints();
  return [
    ...findings
      .filter(({ effect }) => effect === undefined || effect === 'breaks')
      .map((finding) => ({
        description: printable(`${finding.message} (expected: ${finding.expected})`),
        check_name: finding.rule,
        fingerprint: fingerprints.of(`${plan?.subject ?? ''} ${fingerprintOf(finding)}`),
        severity: isFault(finding) ? 'major' : 'minor',
        location: { path: pathOf(finding, folder), lines: { begin: lineOf(finding) } },
      })),
    ...problems.map(({ path, message }) => ({
      description: printable(`barproof could not run: ${message}`),
      check_name: 'could-not-run',
      fingerprint: fingerprints.of(`${path} ${message}`),
      severity: 'blocker',
      location: { path: path === '' ? 'barproof' : path, lines: { begin: 1 } },
    })),
    ...(interrupted
      ? [
          {
            description: 'barproof was interrupted before all cases had run',
            check_name: 'interrupted',
            fingerprint: fingerprints.of('interrupted'),
            severity: 'info',
            location: { path: 'barproof', lines: { begin: 1 } },
          },
        ]
      : []),
  ];
}

/** GitLab shows of entries with the same fingerprint only one: the second of a kind has another. */
class Fingerprints {
  readonly #seen = new Map<string, number>();

  of(text: string): string {
    const before = this.#seen.get(text) ?? 0;
    this.#seen.set(text, before + 1);
    return digest(before === 0 ? text : `${text} ${before + 1}`);
  }
}

/** GitLab wants a path for each entry: where no file holds the case, that of the VMM's source, or the rule's name. */
const pathOf = (finding: ReportedFinding, folder: string): string =>
  finding.file === undefined ? (sourceOf(finding) ?? finding.rule) : shownPath(finding.file, folder);

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 40);
