import { answerOnModel } from './model/model-answers.ts';
import type { Answer } from './session/host-call.ts';
import type { HostSession } from './session/host-session.ts';

/** A session as a target carried it out, and the answer to each call. */
export interface AnsweredSession {
  /** The session, with what this host said of the container. */
  readonly session: HostSession;
  /** One for each call, in order. */
  readonly answers: readonly Answer[];
  /** The last lines of the kernel's console, if the kernel stopped. */
  readonly console?: readonly string[];
}

/** What answers sessions of host calls: `src/host`, or a real kernel. */
export interface HostTarget {
  /** Such as `the model`. */
  readonly name: string;
  /**
   * Carries out a session.
   *
   * @throws InvalidInput when this target cannot be asked for such a session
   */
  answer(session: HostSession): Promise<AnsweredSession>;
  /** Ends all that was started for it. */
  close(): Promise<void>;
}

/** Answers from `src/host`. */
export const modelHost: HostTarget = {
  name: 'the model',
  answer: async (session) => ({ session, answers: answerOnModel(session) }),
  close: () => Promise.resolve(),
};
