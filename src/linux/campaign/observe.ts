import { isLate } from '../kernel/carry-out.ts';
import { answerOnModel } from '../model/model-answers.ts';
import type { AnsweredSession } from '../host-target.ts';
import { agrees, differingFields, outcome } from '../session/comparison.ts';
import { answerToJson } from '../session/session-json.ts';
import { isAnswered, type AnsweredCall, type CallAnswer } from '../session/host-call.ts';
import type { HostSession } from '../session/host-session.ts';
import type { HostObservation } from './host-finding.ts';

/** A session that a kernel and the model have answered. */
export interface ComparedSession {
  /** The session with the kernel's answers as recorded ones. */
  readonly session: HostSession;
  readonly model: readonly CallAnswer[];
  /** What the session shows; `undefined` where both agree. */
  readonly observation: HostObservation | undefined;
}

/** Compares a kernel's answers to a session with those of the model. */
export function observe(answered: AnsweredSession): ComparedSession {
  const { answers: kernel, stoppedAt, console = [] } = answered;
  const session = withRecorded(answered.session, kernel);
  const model = answerOnModel(session);
  const at = (
    index: number,
    words: Pick<HostObservation, 'rule' | 'cause' | 'message'>,
  ): ComparedSession => ({
    session,
    model,
    observation: { ...words, session, index, kernel, model, console },
  });
  const index = kernel.findIndex((answer, number) => differ(answer, model[number]!));
  // A later difference of a session may be a consequence of an earlier one.
  if (index >= 0) return at(index, differenceWords(session, index, model[index] as AnsweredCall));
  return stoppedAt === undefined
    ? { session, model, observation: undefined }
    : at(stoppedAt, stopWords(session, stoppedAt, kernel[stoppedAt]));
}

const differ = (kernel: CallAnswer, model: CallAnswer): boolean =>
  isAnswered(kernel) && isAnswered(model) && !agrees(kernel, model);

/** The session with the answers of a kernel instead of the recorded ones. */
const withRecorded = (session: HostSession, answers: readonly CallAnswer[]): HostSession => ({
  ...session,
  steps: session.steps.map(({ call }, index) => {
    const answer = answers[index];
    return { call, recorded: answer !== undefined && isAnswered(answer) ? answer : undefined };
  }),
});

function differenceWords(
  { container, steps }: HostSession,
  index: number,
  model: AnsweredCall,
): Pick<HostObservation, 'rule' | 'cause' | 'message'> {
  const { call, recorded } = steps[index]!;
  const kernel = recorded!;
  const [was, is] = [outcome(kernel), outcome(model)];
  const names = differingFields(kernel, model);
  const fields = names.join(' and ');
  const valuesOf = (answer: AnsweredCall): string =>
    names.map((name) => JSON.stringify(answerToJson(answer)[name])).join(' and ');
  const what =
    was === is
      ? `the kernel returns ${fields} ${valuesOf(kernel)}, the model ${valuesOf(model)}`
      : `the kernel answers ${was}, the model ${is}`;
  const kind = was === is ? `other-${fields}` : `kernel-${was}-model-${is}`;
  return {
    rule: 'model-answers',
    cause: slug(`${container}-${call.call}-${kind}`),
    message: `${container} ${call.call}: ${what}`,
  };
}

function stopWords(
  { container, steps }: HostSession,
  index: number,
  answer: CallAnswer | undefined,
): Pick<HostObservation, 'rule' | 'cause' | 'message'> {
  const where = steps[index]?.call.call ?? 'the end of the session';
  const reason = answer === undefined || isAnswered(answer) ? 'the kernel stops or hangs' : answer.unanswered;
  return {
    rule: 'kernel-survives',
    // The text of a panic has addresses and process ids, which are others in the next run.
    cause: slug(
      `${container}-${steps[index]?.call.call ?? 'end'}-${answer !== undefined && isLate(answer) ? 'hangs' : 'stops'}`,
    ),
    message: `${container} ${where}: ${reason}`,
  };
}

const slug = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
