import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import { fingerprintOf, isFault } from '../finding-text.ts';
import type { ReportedFinding } from '../report-event.ts';
import type { Report } from '../report.ts';

/** The name under which a job of GitLab declares the file as `artifacts:reports:codequality`. */
export const CODE_QUALITY_FILE = 'gl-code-quality-report.json';

/**
 * A report in the form of GitLab's Code Quality, which a merge request shows beside the changed files.
 *
 * @param folder the checkout: GitLab wants paths relative to it.
 */
export const codeQuality = ({ findings, problems, plan }: Report, folder: string): readonly object[] => [
  ...findings
    .filter(({ effect }) => effect === undefined || effect === 'breaks')
    .map((finding) => ({
      description: `${finding.message} (expected: ${finding.expected})`,
      check_name: finding.rule,
      fingerprint: digest(`${plan?.subject ?? ''} ${fingerprintOf(finding)}`),
      severity: isFault(finding) ? 'major' : 'minor',
      location: { path: pathOf(finding, folder), lines: { begin: 1 } },
    })),
  ...problems.map(({ path, message }) => ({
    description: `barproof could not run: ${message}`,
    check_name: 'could-not-run',
    fingerprint: digest(`${path} ${message}`),
    severity: 'blocker',
    location: { path: path === '' ? 'barproof' : path, lines: { begin: 1 } },
  })),
];

/** GitLab shows no entry without a path; a finding that is in no file gets the path that its file would have. */
const pathOf = ({ file, rule, cause }: ReportedFinding, folder: string): string =>
  file === undefined ? `regressions/${rule}/${cause}.json` : relative(folder, file) || file;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 40);
