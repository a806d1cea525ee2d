import type { AgentAnswer } from '../agent/agent-client.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import { LinuxStopped } from '../boot/linux-error.ts';
import type { CallAnswer } from '../session/host-call.ts';
import type { EncodedCall } from './encoded-call.ts';

/** A call that can be sent, or the reason why the call is not sent. */
export type PreparedCall = EncodedCall | string;

/** A call of a session. It is encoded only when barproof sends it, because it may name what an earlier call opened. */
export interface PlannedCall {
  readonly prepare: () => PreparedCall;
  /** Whether the call opens something that later calls name, such as a dma-buf. */
  readonly opens: boolean;
}

/**
 * Makes the calls in one round trip, or in one more for each call that opens something.
 *
 * @returns an answer for each call
 * @throws LinuxStopped when a call stops the kernel; then no answer is known
 */
export async function carryOutTogether(
  machine: LinuxMachine,
  calls: readonly PlannedCall[],
): Promise<readonly CallAnswer[]> {
  const answers: CallAnswer[] = [];
  for (let next = 0; next < calls.length;) {
    const opening = calls.findIndex(({ opens }, index) => index >= next && opens);
    const end = opening < 0 ? calls.length : opening + 1;
    answers.push(...(await roundTrip(machine, calls.slice(next, end))));
    next = end;
  }
  return answers;
}

async function roundTrip(machine: LinuxMachine, calls: readonly PlannedCall[]): Promise<CallAnswer[]> {
  const prepared = calls.map(({ prepare }) => prepare());
  const results = await machine.call(
    prepared.flatMap((call) => (typeof call === 'string' ? [] : call.commands)),
  );
  let next = 0;
  return prepared.map((call) => {
    if (typeof call === 'string') return { unanswered: call };
    const answer = decode(call, results.slice(next, next + call.commands.length));
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
  calls: readonly PlannedCall[],
): Promise<{ readonly answers: readonly CallAnswer[]; readonly stop: KernelStop | undefined }> {
  const answers: CallAnswer[] = [];
  let stop: KernelStop | undefined;
  for (const [index, call] of calls.entries()) {
    if (stop !== undefined) {
      answers.push({ unanswered: 'not sent: an earlier call stopped the kernel' });
      continue;
    }
    try {
      const [answer] = await roundTrip(machine, [call]);
      answers.push(answer!);
      if (isLate(answer!)) stop = { call: index, console: machine.console };
    } catch (error) {
      if (!(error instanceof LinuxStopped)) throw error;
      answers.push({ unanswered: `the kernel stopped: ${error.message}` });
      stop = { call: index, console: error.console };
    }
  }
  return { answers, stop };
}

/** The answer to a call that did not return within the agent's limit. */
const LATE = { unanswered: 'the call did not return in time' };

/** Whether a call did not return, so that the kernel may hang. */
export const isLate = (answer: CallAnswer): boolean => answer === LATE;

function decode({ decode: decodeReturned }: EncodedCall, answers: readonly AgentAnswer[]): CallAnswer {
  const [answer, ...later] = answers as [AgentAnswer, ...AgentAnswer[]];
  if (answer.kind === 'late') return LATE;
  if (answer.kind === 'trap') return { unanswered: `signal ${answer.signal} ended the call` };
  return decodeReturned(answer, later);
}
