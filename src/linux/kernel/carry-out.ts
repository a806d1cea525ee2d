import type { AgentAnswer } from '../agent/agent-client.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import { LinuxStopped } from '../boot/linux-error.ts';
import type { CallAnswer } from '../session/host-call.ts';
import type { EncodedCall } from './encoded-call.ts';

/** A call that can be sent, or the reason why the call is not sent. */
export type PreparedCall = EncodedCall | string;

/**
 * Makes all calls in one round trip.
 *
 * @returns an answer for each call
 * @throws LinuxStopped when a call stops the kernel; then no answer is known
 */
export async function carryOutTogether(
  machine: LinuxMachine,
  calls: readonly PreparedCall[],
): Promise<readonly CallAnswer[]> {
  const results = await machine.call(
    calls.flatMap((call) => (typeof call === 'string' ? [] : call.commands)),
  );
  let next = 0;
  return calls.map((call) => {
    if (typeof call === 'string') return { unanswered: call };
    const answer = decode(call, results[next]!);
    next += call.commands.length;
    return answer;
  });
}

/** The end of a kernel that a session has stopped, or that hangs in a call. */
export interface KernelStop {
  /** The number of the call, from 0. */
  readonly call: number;
  /** The last lines of the console. */
  readonly console: readonly string[];
}

/**
 * Makes each call in a round trip of its own, to find the call that stops the kernel or does not return.
 *
 * @returns an answer for each call, and what stopped the kernel
 */
export async function carryOutOneByOne(
  machine: LinuxMachine,
  calls: readonly PreparedCall[],
): Promise<{ readonly answers: readonly CallAnswer[]; readonly stop: KernelStop | undefined }> {
  const answers: CallAnswer[] = [];
  let stop: KernelStop | undefined;
  for (const [index, call] of calls.entries()) {
    if (typeof call === 'string') answers.push({ unanswered: call });
    else if (stop !== undefined) answers.push({ unanswered: 'not sent: an earlier call stopped the kernel' });
    else {
      try {
        const [result] = await machine.call(call.commands);
        answers.push(decode(call, result!));
        if (result!.kind === 'late') stop = { call: index, console: machine.console };
      } catch (error) {
        if (!(error instanceof LinuxStopped)) throw error;
        answers.push({ unanswered: `the kernel stopped: ${error.message}` });
        stop = { call: index, console: error.console };
      }
    }
  }
  return { answers, stop };
}

/** The answer to a call that did not return within the agent's limit. */
const LATE = { unanswered: 'the call did not return in time' };

/** Whether a call did not return, so that the kernel may hang. */
export const isLate = (answer: CallAnswer): boolean => answer === LATE;

function decode({ decode: decodeReturned }: EncodedCall, answer: AgentAnswer): CallAnswer {
  if (answer.kind === 'late') return LATE;
  if (answer.kind === 'trap') return { unanswered: `signal ${answer.signal} ended the call` };
  return decodeReturned(answer);
}
