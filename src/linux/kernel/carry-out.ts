import type { AgentAnswer } from '../agent/agent-client.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import { LinuxStopped } from '../boot/linux-error.ts';
import type { Answer } from '../session/host-call.ts';
import type { EncodedCall } from './encode-call.ts';

/** A call as it is sent, or why it is not. */
export type PreparedCall = EncodedCall | string;

/** The answers to calls that the kernel lived through, all in one round trip. */
export async function carryOutTogether(
  machine: LinuxMachine,
  calls: readonly PreparedCall[],
): Promise<readonly Answer[]> {
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
 * The answers to calls, a round trip each, so that it shows which of them stops the kernel.
 *
 * @returns the answers, and the console if the kernel stopped
 */
export async function carryOutOneByOne(
  machine: LinuxMachine,
  calls: readonly PreparedCall[],
): Promise<{ readonly answers: readonly Answer[]; readonly console: readonly string[] | undefined }> {
  const answers: Answer[] = [];
  let console: readonly string[] | undefined;
  for (const call of calls) {
    if (typeof call === 'string') answers.push({ unanswered: call });
    else if (console !== undefined) answers.push({ unanswered: 'the kernel had stopped' });
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

function decode({ decode: decodeReturned }: EncodedCall, answer: AgentAnswer): Answer {
  if (answer.kind === 'late') return { unanswered: 'the call did not come back in time' };
  if (answer.kind === 'trap') return { unanswered: `the call was ended by signal ${answer.signal}` };
  return decodeReturned(answer);
}
