import { fingerprintOf, isFault } from '../finding-text.ts';
import type { ReportedFinding } from '../report-event.ts';
import type { Report } from '../report.ts';

/** GitHub shows 10 annotations of a kind for each step. */
const MOST_ANNOTATIONS = 10;

/** The findings and problems of a report as commands to the runner of GitHub Actions, which shows them beside the run. */
export function githubAnnotations({ findings, problems, interrupted }: Report): string {
  const faults = findings.filter(isFault);
  const warnings = findings.filter(({ severity }) => severity === 'warning');
  const lines = [
    ...faults.slice(0, MOST_ANNOTATIONS).map((finding) => annotation('error', finding)),
    ...warnings.slice(0, MOST_ANNOTATIONS).map((finding) => annotation('warning', finding)),
    ...problems.map(({ path, message }) =>
      command('error', { title: 'barproof could not run' }, path === '' ? message : `${path}: ${message}`),
    ),
    ...(interrupted
      ? [command('warning', { title: 'barproof' }, 'interrupted before all cases had run')]
      : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const annotation = (level: 'error' | 'warning', finding: ReportedFinding): string => {
  const { message, expected, again, file } = finding;
  const text = [message, `expected: ${expected}`, ...(again === undefined ? [] : [`again: ${again}`])];
  const place = file === undefined ? {} : { file, line: '1' };
  return command(level, { ...place, title: fingerprintOf(finding) }, text.join('\n'));
};

/** `::error title=...::message`. A message that began a line of its own could be another command. */
function command(name: string, properties: Readonly<Record<string, string>>, message: string): string {
  const list = Object.entries(properties).map(
    ([key, value]) => `${key}=${escapeMessage(value).replaceAll(':', '%3A').replaceAll(',', '%2C')}`,
  );
  return `::${name} ${list.join(',')}::${escapeMessage(message)}`;
}

const escapeMessage = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

/** The verdict as Markdown, for the summary of a step. */
export function githubSummary({
  command: name,
  version,
  plan,
  findings,
  problems,
  summary,
  verdict,
}: Report): string {
  const rows = findings.map(
    (finding) =>
      `| \`${fingerprintOf(finding)}\` | ${markdown(finding.effect ?? finding.severity)} | ${markdown(finding.message)} |`,
  );
  return [
    `### barproof ${name}: ${verdict.replaceAll('-', ' ')}`,
    '',
    ...(summary?.headline ?? []).map((line) => `${markdown(line)}  `),
    ...problems.map(({ path, message }) => `- ${markdown(path === '' ? message : `${path}: ${message}`)}`),
    ...(rows.length === 0 ? [] : ['', '| finding | kind | what happens |', '|---|---|---|', ...rows]),
    '',
    `barproof ${version}${plan === undefined ? '' : `: \`${plan.again.replaceAll('`', "'")}\``}`,
    '',
  ].join('\n');
}

const markdown = (text: string): string =>
  text.replaceAll(/[\\`*_{}[\]<>#|&]/g, (character) => `\\${character}`).replaceAll('\n', ' ');
