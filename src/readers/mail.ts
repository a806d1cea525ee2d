import { printable } from '../input/index.ts';
import { wrap } from '../report/index.ts';
import { toJsonLine, toJsonText } from '../scenario/index.ts';
import { fingerprintOf, isFault } from './finding-text.ts';
import type { ReportedFinding } from './report-event.ts';
import type { Report } from './report.ts';
import { shellLines } from './shell-lines.ts';

/** Lines of mails on qemu-devel are at most so wide, so that quoted lines still fit into 80 columns. */
const WIDTH = 72;
const MOST_CASES = 3;
const INDENT = '   ';

/** A report as the text of a mail: fit for a reply to a patch on a mailing list. */
export function mailText(report: Report): string {
  const { findings } = report;
  const faults = findings.filter(isFault);
  const shown = smallestOf(faults);
  const left = faults.length - shown.length;
  const parts = [
    verdictLines(report),
    ...shown.map((finding, index) => caseLines(finding, index + 1)),
    left > 0 ? [`${left} more of them, not shown.`] : [],
    costLines(report),
    versionLines(report),
    againLines(report),
    shown[0] === undefined ? [] : jsonLines(shown[0]),
  ].filter((lines) => lines.length > 0);
  return `${parts.map((lines) => lines.map(printable).join('\n')).join('\n\n')}\n`;
}

/** The smallest cases: those that a real machine can show before others, and of each rule one before a second. */
function smallestOf(faults: readonly ReportedFinding[]): readonly ReportedFinding[] {
  const sorted = faults.toSorted(
    (a, b) => Number(needsMore(a)) - Number(needsMore(b)) || sizeOf(a) - sizeOf(b),
  );
  const firsts = sorted.filter(
    (fault, index) => sorted.findIndex(({ rule }) => rule === fault.rule) === index,
  );
  return [...firsts, ...sorted.filter((fault) => !firsts.includes(fault))].slice(0, MOST_CASES);
}

const needsMore = ({ realism = '' }: ReportedFinding): boolean => realism.startsWith('needs');

const sizeOf = ({ scenario }: ReportedFinding): number => toJsonLine(scenario ?? null).length;

/** Three lines, each cut to the width between two words. */
function verdictLines({ summary, problems, interrupted }: Report): readonly string[] {
  const failed = problems.flatMap(({ path, message }) =>
    wrapped(
      `${summary === undefined ? 'No verdict' : 'Could not run'}: ${path === '' ? message : `${path}: ${message}`}`,
    ),
  );
  if (summary === undefined)
    return interrupted && failed.length === 0 ? ['No verdict: interrupted before the first case.'] : failed;
  const lines = summary.headline.map(cut);
  return [...(interrupted ? ['Interrupted: this is about the cases until then.'] : []), ...lines, ...failed];
}

/** Text in lines of the mail. What a terminal would obey is spelt out first, because that is longer. */
const wrapped = (text: string, width = WIDTH, hang = 2): string[] =>
  wrap(printable(text).replaceAll(new RegExp(`\\S{${width - hang}}(?=\\S)`, 'g'), '$& '), width, hang);

function cut(text: string): string {
  const line = printable(text);
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 3).replace(/\S*$/, '')}...`;
}

function caseLines(finding: ReportedFinding, number: number): readonly string[] {
  const { message, expected, observed, site, realism, description, pictures, howOften } = finding;
  const sentences = [
    message,
    `Expected: ${expected}.`,
    `Observed: ${observed}.`,
    ...(site === undefined ? [] : [`In: ${site}`]),
    ...(realism === undefined ? [] : [`On real machines: ${realism}.`]),
    ...(howOften === undefined ? [] : [`Seen in: ${howOften}.`]),
  ];
  const table = pictures.flatMap(({ caption, table: rows }) =>
    rows.length === 0 ? [] : ['', ...(pictures.length > 1 ? [caption] : []), ...rows.map(narrow)],
  );
  return [
    ...wrapped(`${number}. ${fingerprintOf(finding)}`, WIDTH, 0),
    '',
    ...sentences.flatMap((sentence) => indented(sentence, 2)),
    '',
    ...description.flatMap(described),
    ...table.flatMap((line) => (line === '' ? [''] : indented(line, 12))),
  ];
}

const ROOM = WIDTH - INDENT.length;

/** A line of a table with single gaps where it is too wide. */
const narrow = (text: string): string => {
  const line = printable(text);
  return line.length <= ROOM ? line : line.replaceAll(/ {2,}/g, ' ');
};

/** How wide the labels are in the description of a case. */
const LABEL_WIDTH = 9;

/** A line of the description of a case: its label keeps its column. */
function described(line: string): readonly string[] {
  const text = printable(line).replace('   <-- here', '  <--');
  if (text.length <= ROOM) return [INDENT + text];
  const [first, ...rest] = wrapped(text.slice(LABEL_WIDTH), ROOM - LABEL_WIDTH);
  return [
    INDENT + text.slice(0, LABEL_WIDTH) + first,
    ...rest.map((more) => INDENT + ' '.repeat(LABEL_WIDTH) + more),
  ];
}

const indented = (given: string, hang: number): readonly string[] => {
  const text = printable(given);
  return text.length <= ROOM
    ? [`${INDENT}${text}`.trimEnd()]
    : wrapped(text, ROOM, hang).map((line) => `${INDENT}${line}`.trimEnd());
};

const costLines = ({ summary }: Report): readonly string[] =>
  summary?.cost === undefined || summary.cost.length === 0
    ? []
    : [
        'Cost:',
        '',
        ...summary.cost.flatMap((line) => (line === '' ? [''] : indented(narrow(line.trim()), 4))),
      ];

function versionLines({ version, plan, summary }: Report): readonly string[] {
  if (plan === undefined) return [`barproof ${version}`];
  const seed = plan.seed === undefined ? '' : `, seed ${plan.seed}`;
  const cases = summary === undefined ? '' : `, ${summary.cases} cases`;
  return wrapped(`barproof ${version}, ${plan.subject} on ${plan.target}${seed}${cases}`);
}

function againLines({ plan }: Report): readonly string[] {
  if (plan === undefined) return [];
  // What a terminal would obey is spelt out first, because that is longer.
  const [first, ...rest] = shellLines(printable(plan.again), WIDTH - COMMAND.length);
  // A line without its own indent is the rest of a word, which a blank would end.
  return [
    'To reproduce:',
    '',
    COMMAND + first!,
    ...rest.map((line) => (line.startsWith(' ') ? COMMAND + line : line)),
  ];
}

/** The indent of a command to copy. */
const COMMAND = '  ';

const jsonLines = ({ scenario }: ReportedFinding): readonly string[] =>
  scenario === undefined
    ? []
    : [
        'Case 1 for "barproof replay case.json":',
        '', // A comma may follow each line.
        ...toJsonText(scenario, WIDTH - 1)
          .trimEnd()
          .split('\n'),
      ];
