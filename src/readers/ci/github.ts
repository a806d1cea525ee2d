import { printable } from '../../input/index.ts';
import { fingerprintOf, isFault } from '../finding-text.ts';
import { lineOf, shownPath } from '../place-of-finding.ts';
import type { ReportedFinding } from '../report-event.ts';
import type { Report } from '../report.ts';

/** GitHub shows 10 annotations of a kind for each step. */
const MOST_ANNOTATIONS = 10;

/**
 * The findings and problems of a report as commands to the runner of GitHub Actions, which shows them beside the run.
 *
 * @param folder the checkout: GitHub wants paths relative to it.
 */
export function githubAnnotations({ findings, problems, interrupted }: Report, folder: string): string {
  // GitHub drops what comes later: why barproof could not run comes first.
  const errors = [
    ...problems.map(({ path, message }) =>
      command('error', { title: 'barproof could not run' }, path === '' ? message : `${path}: ${message}`),
    ),
    ...findings.filter(isFault).map((finding) => annotation('error', finding, folder)),
  ];
  const warnings = [
    ...(interrupted
      ? [command('warning', { title: 'barproof' }, 'interrupted before all cases had run')]
      : []),
    ...findings
      .filter(({ severity }) => severity === 'warning')
      .map((finding) => annotation('warning', finding, folder)),
  ];
  const lines = [errors, warnings].flatMap((all) => all.slice(0, MOST_ANNOTATIONS));
  const left = errors.length + warnings.length - lines.length;
  const more = left === 0 ? [] : [command('notice', { title: 'barproof' }, `${left} more, in the summary`)];
  return [...lines, ...more].map((line) => `${line}\n`).join('');
}

const annotation = (level: 'error' | 'warning', finding: ReportedFinding, folder: string): string => {
  const { message, expected, again, file } = finding;
  const text = [message, `expected: ${expected}`, ...(again === undefined ? [] : [`again: ${again}`])];
  const place = file === undefined ? {} : { file: shownPath(file, folder), line: String(lineOf(finding)) };
  return command(level, { ...place, title: fingerprintOf(finding) }, text.join('\n'));
};

/** `::error title=...::message`. A message that began a line of its own could be another command. */
function command(name: string, properties: Readonly<Record<string, string>>, message: string): string {
  const list = Object.entries(properties).map(
    ([key, value]) => `${key}=${escapeMessage(value).replaceAll(':', '%3A').replaceAll(',', '%2C')}`,
  );
  return `::${name} ${list.join(',')}::${escapeMessage(message)}`;
}

/** A log of GitHub is shown as by a terminal, which other characters would command. */
const escapeMessage = (text: string): string =>
  text
    .split('\n')
    .map((line) => printable(line).replaceAll('%', '%25'))
    .join('%0A');

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
      `| ${code(fingerprintOf(finding))} | ${markdown(finding.effect ?? finding.severity)} | ${markdown(finding.message)} |`,
  );
  return [
    `### barproof ${name}: ${verdict.replaceAll('-', ' ')}`,
    '',
    ...(summary?.headline ?? []).map((line) => `${markdown(line)}  `),
    ...problems.map(({ path, message }) => `- ${markdown(path === '' ? message : `${path}: ${message}`)}`),
    ...(rows.length === 0 ? [] : ['', '| finding | kind | what happens |', '|---|---|---|', ...rows]),
    '',
    `barproof ${version}${plan === undefined ? '' : `: ${code(plan.again)}`}`,
    '',
  ].join('\n');
}

const markdown = (text: string): string =>
  printable(text.replaceAll('\n', ' ')).replaceAll(/[\\`*_{}[\]<>#|&]/g, (character) => `\\${character}`);

/** A span of code, which a table of Markdown and a backtick would end. */
const code = (text: string): string =>
  `\`${printable(text.replaceAll('\n', ' ')).replaceAll('`', "'").replaceAll('|', '\\|')}\``;
