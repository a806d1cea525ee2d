import { table } from './table.ts';
import { fittedText } from './wrap.ts';
import type { DisagreementClass, SessionComparison } from '../linux/session/index.ts';
import { answerText, callText, hostText } from './host-session-text.ts';

const percent = (agree: number, differ: number): string =>
  agree + differ === 0 ? '' : `${((100 * agree) / (agree + differ)).toFixed(1)} %`;

/**
 * A comparison as a report for people: agreement by kind of call, then every class of disagreement.
 *
 * @param withModel how the model answers, where a kernel has answered
 */
export function comparisonText(comparison: SessionComparison, withModel?: SessionComparison): string {
  const { agreements, hosts, classes, reasons, notRecorded } = comparison;
  const sum = (key: 'agree' | 'differ' | 'unanswered'): number =>
    agreements.reduce((total, one) => total + one[key], 0);
  const row = (
    container: string,
    call: string,
    agree: number,
    differ: number,
    unanswered: number,
  ): string[] => [
    ...[container, call, String(agree), String(differ), percent(agree, differ), String(unanswered)],
  ];
  const lines = table(
    [
      ['container', 'call', 'agree', 'differ', 'agreement', 'not answered'],
      ...agreements.map((one) => row(one.container, one.call, one.agree, one.differ, one.unanswered)),
      row('all', '', sum('agree'), sum('differ'), sum('unanswered')),
    ],
    [2, 3, 4, 5],
  );
  const ignored = notRecorded === 0 ? '' : `; ${notRecorded} calls had no recorded answer`;
  return fittedText([
    `${comparison.sessions} sessions compared with their recorded answers${ignored}`,
    ...lines,
    '',
    ...table(
      [
        ['kernel', 'IOMMU', 'agree', 'differ', 'agreement', 'not answered'],
        ...hosts.map((one) => row(one.kernel, one.iommu, one.agree, one.differ, one.unanswered)),
      ],
      [2, 3, 4, 5],
    ),
    ...classes.flatMap((one) => classLines(one, ['recorded', 'answered'])),
    ...(withModel === undefined ? [] : ['', modelLine(withModel)]),
    ...(withModel?.classes ?? []).flatMap((one) => classLines(one, ['the kernel', 'the model'])),
    ...(reasons.length > 0 ? ['', 'Not answered:'] : []),
    ...table(
      reasons.map(([reason, count]) => ['', String(count), reason]),
      [1],
    ),
  ]);
}

/** A class of disagreements. @param sides who has given the first answer, and who the second */
const classLines = (
  { name, kernels, count, example: { session, index, recorded, answer } }: DisagreementClass,
  [first, second]: readonly [string, string],
): readonly string[] => [
  '',
  `✖ ${sidesIn(name, first, second)} (${count} of them; Linux ${kernels.join(', ')})`,
  `  session ${session.seed ?? session.id}, call ${index}: ${hostText(session)}`,
  `  ${callText(session, index)}`,
  `  ${first} ${answerText(recorded)}; ${second} ${answerText(answer)}`,
];

/** The name of a class with the sides that it has: `EINVAL recorded, EEXIST answered`. */
const sidesIn = (name: string, first: string, second: string): string =>
  first === 'recorded' ? name : name.replace(/ recorded, (.*) answered$/, ` by ${first}, $1 by ${second}`);

/** How the model answers the calls that a kernel has answered. */
function modelLine({ agreements, classes }: SessionComparison): string {
  const differ = agreements.reduce((sum, one) => sum + one.differ, 0);
  const all = agreements.reduce((sum, one) => sum + one.agree + one.differ, 0);
  return classes.length === 0
    ? `the model answers all ${all} calls as this kernel does`
    : `the model answers ${differ} of ${all} calls in another way than this kernel:`;
}

/** A comparison as JSON. @param withModel how the model answers, where a kernel has answered */
export const comparisonToJson = (
  comparison: SessionComparison,
  withModel?: SessionComparison,
): Record<string, unknown> => ({
  ...oneToJson(comparison),
  ...(withModel === undefined ? {} : { model: oneToJson(withModel) }),
});

const oneToJson = ({
  sessions,
  agreements,
  hosts,
  classes,
  reasons,
}: SessionComparison): Record<string, unknown> => ({
  sessions,
  agreements,
  hosts,
  classes: classes.map(({ name, kernels, count, example: { session, index, recorded, answer } }) => ({
    ...{ name, kernels, count },
    example: {
      session: session.seed ?? session.id,
      call: index,
      passed: callText(session, index),
      recorded: answerText(recorded),
      answered: answerText(answer),
    },
  })),
  unanswered: Object.fromEntries(reasons),
});
