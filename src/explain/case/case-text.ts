import { findingOf } from '../../campaign/index.ts';
import { printable } from '../../input/index.ts';
import { fingerprintText } from '../../invariants/index.ts';
import {
  lineWidth,
  mapWidth,
  DESCRIPTION_COLUMN,
  describeOperation,
  describeScenario,
  deviceMemoryText,
  drawMemoryMap,
  fitted,
  fittedText,
  failureBlock,
  table,
  wrap,
  shortened,
} from '../../report/index.ts';
import type { Operation } from '../../scenario/index.ts';
import type { Trace } from '../../trace/index.ts';
import type { CaseAnswer, FieldAnswer } from './explain-case.ts';

const INDENT = '   ';
const MOST_BLOCKS = 3;
const MOST_STEPS = 24;
const MOST_VALUES = 6;

/** What barproof says of a case, for people. */
export function caseText(answer: CaseAnswer): string {
  const { violations, trace } = answer;
  const blocks = violations.slice(0, MOST_BLOCKS).map((violation, index) =>
    failureBlock(findingOf(trace, violation), {
      number: index + 1,
      previous: index === 0 ? undefined : findingOf(trace, violations[index - 1]!),
    }),
  );
  const more =
    violations.length > MOST_BLOCKS
      ? [
          fittedText([
            `and ${violations.length - MOST_BLOCKS} more: ${violations
              .slice(MOST_BLOCKS)
              .map(fingerprintText)
              .join(', ')}`,
          ]),
        ]
      : [];
  return [
    headline(answer),
    ...(violations.length === 0 ? [indented(holdingLines(answer))] : [...blocks, ...more]),
    section('The memory map, step by step', stepLines(answer)),
    section('The rule', ruleLines(answer)),
    section('Which fields matter (each changed alone)', fieldLines(answer.fields)),
    section('What avoids it', avoidanceLines(answer.fields)),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

const indented = (lines: readonly string[]): string => fittedText(lines, INDENT);
const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `${title}\n\n${indented(lines)}`;

function headline({ regression, revision, violations }: CaseAnswer): string {
  const what = regression === undefined ? 'scenario' : `stored case, ${regression.status}`;
  const verdict =
    violations.length === 0
      ? 'every invariant holds'
      : `breaks ${violations.map(fingerprintText).join(', ')}`;
  const explanation = regression?.explanation;
  return `${fittedText([`${what}: ${verdict} on ${revision.id}`])}${
    explanation === undefined ? '' : `\n${indented(wrap(printable(explanation), lineWidth()))}`
  }`;
}

function holdingLines({ scenario, trace }: CaseAnswer): readonly string[] {
  return [
    ...describeScenario(scenario).flatMap((line) => fitted(line, DESCRIPTION_COLUMN)),
    '',
    `${trace.outcome}${trace.error === undefined ? '' : `: ${trace.error}`}`,
    deviceMemoryText(trace),
  ];
}

/** The map after the start and after each step that changes the map. */
function stepLines({ trace, main }: CaseAnswer): readonly string[] {
  const lines: string[] = [];
  let before: string | undefined;
  for (const [index, { operation }] of trace.steps.slice(0, MOST_STEPS).entries()) {
    const isMain = main?.step === index;
    const violation = {
      invariant: 'no-abort',
      cause: '',
      message: '',
      step: index,
      ...(isMain && main.at !== undefined && { at: main.at }),
    };
    const map = drawMemoryMap(trace, violation, mapWidth());
    const name = stepName(operation);
    const mark = isMain ? '   <-- the violation' : '';
    const text = map.join('\n');
    if (text === before) lines.push(`${index} ${name}: the map is as before${mark}`);
    else
      lines.push(
        `${index} ${name}${mark}`,
        ...(map.length === 0 ? ['  no memory of a device in the view'] : map.map((row) => `  ${row}`)),
      );
    before = text;
  }
  if (trace.steps.length > MOST_STEPS) lines.push(`and ${trace.steps.length - MOST_STEPS} more steps`);
  return lines;
}

function stepName(operation: Trace['steps'][number]['operation']): string {
  switch (operation.op) {
    case 'start':
      return 'start of the machine';
    case 'stop':
      return 'shutdown';
    default:
      return describeOperation(operation as Operation);
  }
}

const ruleLines = ({ rule, main }: CaseAnswer): readonly string[] =>
  rule === undefined
    ? []
    : [
        ...wrap(`${main!.invariant}: ${rule.clause}`, lineWidth(), 2),
        ...wrap(`in QEMU: ${rule.site}`, lineWidth(), 2),
        ...wrap(`the model follows: ${rule.source}`, lineWidth(), 2),
      ];

function fieldLines(fields: readonly FieldAnswer[]): readonly string[] {
  const tried = fields.filter((field) => field.tried.length > 0);
  const matters = tried.filter(({ tried: values }) => values.some(({ result }) => result !== 'same'));
  const rest = tried.filter((field) => !matters.includes(field));
  const hasOther = matters.some(({ tried: values }) => values.some(({ result }) => result === 'other'));
  return [
    ...(matters.length === 0
      ? []
      : table([
          ['field', 'value', 'fails also with', 'does not fail so with'],
          ...matters.map((field) => [
            field.path,
            short(field.value),
            valuesText(field, true),
            valuesText(field, false),
          ]),
        ])),
    ...(hasOther ? ['* another invariant breaks, or the same one for another cause'] : []),
    ...(rest.length === 0
      ? []
      : [
          ...wrap(
            `No other value that was tried changes it: ${rest.map((field) => field.path).join(', ')}.`,
            lineWidth(),
          ),
        ]),
  ];
}

const short = (value: string): string => shortened(value, 40);

function valuesText({ tried }: FieldAnswer, fails: boolean): string {
  const values = tried
    .filter(({ result }) => (result === 'same') === fails)
    .map(({ value, breaks }) => `${short(value)}${breaks === undefined ? '' : '*'}`);
  const more = values.length > MOST_VALUES ? ` and ${values.length - MOST_VALUES} more` : '';
  return values.length === 0 ? '-' : values.slice(0, MOST_VALUES).join(', ') + more;
}

/** Fields that a user, or the maker of the host or of QEMU, can set. The device's own layout is none. */
const SETTABLE = /^(?:revision|machine\.|host\.|devices\[\d+\]\.options)/;

function avoidanceLines(fields: readonly FieldAnswer[]): readonly string[] {
  if (fields.length === 0) return [];
  const ways = fields
    .filter(({ path }) => SETTABLE.test(path))
    .flatMap(({ path, tried }) => {
      const holding = tried.filter(({ result }) => result === 'holds').map(({ value }) => short(value));
      const others = tried
        .filter(({ result }) => result === 'other')
        .map(({ value, breaks }) => `${short(value)} (but then ${breaks})`);
      const values = [...holding, ...others.slice(0, 2)];
      return values.length === 0 ? [] : wrap(`${path}: ${values.join(' or ')}`, lineWidth(), 2);
    });
  return ways.length === 0 ? ['none of the values that were tried, alone'] : ways;
}
