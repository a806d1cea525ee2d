import {
  isAnswered,
  passedToJson,
  returnedToJson,
  type CallAnswer,
  type HostSession,
} from '../linux/session/index.ts';
import { errnoName } from '../host/index.ts';
import { table } from './table.ts';
import { fitted } from './wrap.ts';

/** `name=value` for each field. */
export const assignments = (fields: Record<string, unknown>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ');

/** A call as a reader sees it: its name and the fields that were passed. */
export const callText = (session: HostSession, index: number): string => {
  const { call } = session.steps[index]!;
  return `${call.call} ${assignments(passedToJson(call))}`.trimEnd();
};

/** An answer in a few words: `EINVAL`, `0 unmapped=0x1000`. */
export function answerText(answer: CallAnswer): string {
  if (!isAnswered(answer)) return answer.unanswered;
  const outcome = answer.ret === -1 ? errnoName(answer.errno) : String(answer.ret);
  return `${outcome} ${assignments(returnedToJson(answer))}`.trimEnd();
}

/** A kernel and its IOMMU in one line. */
export const kernelText = ({
  kernel,
  arch,
  pageSize,
  iommu,
}: Pick<HostSession, 'kernel' | 'arch' | 'pageSize' | 'iommu'>): string =>
  `Linux ${kernel} (${arch}, pages of ${Number(pageSize) / 1024}K, ${iommu})`;

/** The host of a session in one line. */
export const hostText = (session: HostSession): string => `${session.container} on ${kernelText(session)}`;

/**
 * A session and the answers to it as a table for people.
 *
 * @param target who answered: `the model`, `the kernel`
 */
export function sessionText(session: HostSession, answers: readonly CallAnswer[], target: string): string {
  const rows = session.steps.map(({ call }, index) => {
    const answer = answers[index]!;
    const results = isAnswered(answer)
      ? [
          String(answer.ret),
          answer.errno === 0 ? '' : errnoName(answer.errno),
          assignments(returnedToJson(answer)),
        ]
      : ['', '', answer.unanswered];
    return [String(index), call.call, assignments(passedToJson(call)), ...results];
  });
  const lines = table([['#', 'call', 'passed', 'return', 'errno', 'returned'], ...rows], [0, 3]);
  const heading = fitted(`session ${session.id}: ${hostText(session)}, answered by ${target}`);
  return `${[...heading, ...lines].join('\n')}\n`;
}
