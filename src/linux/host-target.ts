import { answerOnModel } from './model/model-answers.ts';
import type { CallAnswer } from './session/host-call.ts';
import type { HostSession } from './session/host-session.ts';

/** The answers of a target to a session. */
export interface AnsweredSession {
  /** The session; its `info` is what this host reported. */
  readonly session: HostSession;
  /** One answer for each call, in order. */
  readonly answers: readonly CallAnswer[];
  /** The last lines of the kernel's console, if the kernel stopped or hangs. */
  readonly console?: readonly string[];
  /**
   * The number of the call that stopped the kernel or did not return, from 0; the number of calls for the end of the
   * session, which closes what the session opened. Left out where the kernel stopped before the first call.
   */
  readonly stoppedAt?: number;
}

/** A host that answers sessions: the model in `src/host`, or a real kernel. */
export interface HostTarget {
  /** The name in messages, such as `the model`. */
  readonly name: string;
  /**
   * Answers each call of a session.
   *
   * @throws InvalidInput when this target cannot make the calls of such a session
   */
  answer(session: HostSession): Promise<AnsweredSession>;
  /** Ends the processes that this target started. */
  close(): Promise<void>;
}

/** The host model in `src/host`, as a target. */
export const modelHost: HostTarget = {
  name: 'the model',
  answer: async (session) => ({ session, answers: answerOnModel(session) }),
  close: () => Promise.resolve(),
};
