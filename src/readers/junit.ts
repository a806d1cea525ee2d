import { findingLines, fingerprintOf, isFault } from './finding-text.ts';
import type { ReportedFinding } from './report-event.ts';
import type { Report, ReportTimes } from './report.ts';
import { xmlAttributes, xmlText } from './xml.ts';

/** A test case of the suite, with at most one result: some readers of JUnit accept no second one. */
interface TestCase {
  readonly name: string;
  readonly result?: {
    readonly tag: 'failure' | 'error' | 'skipped';
    readonly title: string;
    readonly text: string;
  };
  readonly file?: string | undefined;
}

/**
 * A report as JUnit XML, in the form that Ant, Jenkins and GitLab accept. A check has a test case for each rule, a
 * replay one for each file. A rule that no case exercised is skipped; problems are errors.
 */
export function junitXml(report: Report, { begin, duration }: ReportTimes): string {
  const cases = [...casesOf(report), ...problemCases(report)];
  const number = (tag: string): number => cases.filter(({ result }) => result?.tag === tag).length;
  const counts = {
    tests: cases.length,
    failures: number('failure'),
    errors: number('error'),
    skipped: number('skipped'),
    time: duration.toFixed(3),
  };
  const name = `barproof ${report.command}`;
  const suite = {
    name: report.plan === undefined ? name : `${name} ${report.plan.subject}`,
    id: 0,
    package: 'barproof',
    hostname: 'localhost',
    // The schema of Ant knows no time zone and no fraction of a second.
    timestamp: begin.toISOString().slice(0, 19),
    ...counts,
  };
  const { skipped: _, ...total } = counts;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${xmlAttributes({ name, ...total })}>`,
    `  <testsuite${xmlAttributes(suite)}>`,
    '    <properties>',
    ...propertiesOf(report).map(([key, value]) => `      <property${xmlAttributes({ name: key, value })}/>`),
    '    </properties>',
    ...cases.flatMap((one) => testCaseLines(one, `barproof.${report.command}`)),
    `    <system-out>${xmlText(outputOf(report))}</system-out>`,
    '    <system-err></system-err>',
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function propertiesOf({ version, plan }: Report): (readonly [string, string])[] {
  const { seed, target, again } = plan ?? {};
  return [
    ['barproof.version', version],
    ...(target === undefined ? [] : [['barproof.target', target] as const]),
    ...(seed === undefined ? [] : [['barproof.seed', seed] as const]),
    ...(again === undefined ? [] : [['barproof.command', again] as const]),
  ];
}

const casesOf = (report: Report): readonly TestCase[] =>
  report.inputs.length > 0 ? inputCases(report) : ruleCases(report);

const inputCases = ({ inputs, findings }: Report): readonly TestCase[] =>
  inputs.map(({ name, result, text }) => {
    const own = findings.filter(({ file }) => file === name);
    if (result === 'could-not-run') return { name, file: name, result: { tag: 'error', title: text, text } };
    return { name, file: name, ...failureOf(own.filter(isFault)) };
  });

function ruleCases({ plan, findings, summary }: Report): readonly TestCase[] {
  return (plan?.rules ?? []).map(({ id, clause }) => {
    const failure = failureOf(findings.filter((finding) => finding.rule === id && isFault(finding)));
    const isIdle = summary === undefined || (summary.exercised[id] ?? 0) === 0;
    const title = 'no case exercised this rule';
    return {
      name: id,
      ...(failure.result === undefined && isIdle
        ? { result: { tag: 'skipped' as const, title, text: clause } }
        : failure),
    };
  });
}

/** All faults of a test case as one failure. */
function failureOf(faults: readonly ReportedFinding[]): Pick<TestCase, 'result' | 'file'> {
  const [first] = faults;
  if (first === undefined) return {};
  const text = faults.map((fault) => [fingerprintOf(fault), ...findingLines(fault)].join('\n')).join('\n\n');
  const title = faults.map(fingerprintOf).join(', ');
  return { file: first.file, result: { tag: 'failure', title, text } };
}

const problemCases = ({ problems, interrupted, inputs }: Report): readonly TestCase[] => {
  // An input that could not be run has a test case of its own.
  const told = new Set(inputs.filter(({ result }) => result === 'could-not-run').map(({ name }) => name));
  const untold = problems.filter(({ path }) => ![...told].some((name) => path.startsWith(name)));
  return [
    ...untold.map(({ path, message }): TestCase => {
      const text = path === '' ? message : `${path}: ${message}`;
      return { name: 'barproof can run', result: { tag: 'error', title: message, text } };
    }),
    ...(interrupted
      ? [
          {
            name: 'all cases ran',
            result: {
              tag: 'error' as const,
              title: 'interrupted',
              text: 'interrupted before all cases had run',
            },
          },
        ]
      : []),
  ];
};

function testCaseLines({ name, result, file }: TestCase, classname: string): readonly string[] {
  // `file` is an attribute that GitLab links to; the schema of Ant does not have it, so it goes into the text.
  const attributes = xmlAttributes({ name, classname, time: '0.000' });
  if (result === undefined) return [`    <testcase${attributes}/>`];
  const { tag, title, text } = result;
  const where = file === undefined || tag === 'error' ? text : `${text}\n\nfile: ${file}`;
  const body =
    tag === 'skipped'
      ? '      <skipped/>'
      : `      <${tag}${xmlAttributes({ message: title, type: tag === 'failure' ? 'counterexample' : 'error' })}>${xmlText(where)}</${tag}>`;
  return [`    <testcase${attributes}>`, body, '    </testcase>'];
}

function outputOf({ summary, findings }: Report): string {
  const notes = findings
    .filter((finding) => !isFault(finding))
    .map((finding) => `${finding.effect ?? finding.severity}: ${fingerprintOf(finding)}: ${finding.message}`);
  const known = (summary?.known ?? []).map((finding) => `known: ${fingerprintOf(finding)}`);
  return [...(summary?.headline ?? []), ...known, ...notes].join('\n');
}
