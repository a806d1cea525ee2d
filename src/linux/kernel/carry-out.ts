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

/**
 * Makes each call in a round trip of its own, to find the call that stops the kernel.
 *
 * @returns an answer for each call, and the last lines of the console if the kernel stopped
 */
export async function carryOutOneByOne(
  machine: LinuxMachine,
  calls: readonly PreparedCall[],
): Promise<{ readonly answers: readonly CallAnswer[]; readonly console: readonly string[] | undefined }> {
  const answers: CallAnswer[] = [];
  let console: readonly string[] | undefined;
  for (const call of calls) {
    if (typeof call === 'string') answers.push({ unanswered: call });
    else if (console !== undefined)
      answers.push({ unanswered: 'not sent: an earlier call stopped the kernel' });
    else {
      try {
        const [result] = await machine.call(call.commands);
        answers.push(decode(call, result!));
      } catch (error) {
        if (!(error instanceof LinuxStopped)) throw error;
        answers.push({ unanswered: `the kernel stopped: ${error.message}` });
        console = error.console;
      }
    }
  }
  return { answers, console };
}

function decode({ decode: decodeReturned }: EncodedCall, answer: AgentAnswer): CallAnswer {
  if (answer.kind === 'late') return { unanswered: 'the call did not return in time' };
  if (answer.kind === 'trap') return { unanswered: `signal ${answer.signal} ended the call` };
  return decodeReturned(answer);
}
