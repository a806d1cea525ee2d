import { table } from './table.ts';
import { fittedText } from './wrap.ts';
import type { SessionComparison } from '../linux/session/index.ts';
import { answerText, callText, hostText } from './host-session-text.ts';

const percent = (agree: number, differ: number): string =>
  agree + differ === 0 ? '' : `${((100 * agree) / (agree + differ)).toFixed(1)} %`;

/** A comparison as a report for people: agreement by kind of call, then every class of disagreement. */
export function comparisonText(comparison: SessionComparison): string {
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
    ...classes.flatMap(({ name, kernels, count, example: { session, index, recorded, answer } }) => [
      '',
      `✖ ${name} (${count} of them; Linux ${kernels.join(', ')})`,
      `  session ${session.seed ?? session.id}, call ${index}: ${hostText(session)}`,
      `  ${callText(session, index)}`,
      `  recorded ${answerText(recorded)}; answered ${answerText(answer)}`,
    ]),
    ...(reasons.length > 0 ? ['', 'Not answered:'] : []),
    ...table(
      reasons.map(([reason, count]) => ['', String(count), reason]),
      [1],
    ),
  ]);
}

/** A comparison as JSON. */
export const comparisonToJson = ({
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
