import type { IoctlEncoding } from '../../host/abi/index.ts';
import type { AgentAnswer } from '../agent/agent-client.ts';
import type { AnsweredCall, FieldValue } from '../session/host-call.ts';
import type { SessionMemory } from '../session/memory-areas.ts';

/** The descriptors and the memory for a session's calls. A descriptor that the session does not have is -1. */
export interface CallContext {
  readonly container: number;
  readonly device: number;
  readonly machine: number;
  readonly memory: SessionMemory;
  readonly ioctls: IoctlEncoding;
}

/** The agent's answer to a command that returned. */
export type ReturnedAnswer = Extract<AgentAnswer, { kind: 'returned' }>;

/** A call as commands for the agent. The answer to the first command holds the answer to the call. */
export interface EncodedCall {
  readonly commands: readonly string[];
  readonly decode: (answer: ReturnedAnswer) => AnsweredCall;
}

/** The kernel's answer; `fields` reads its fields from the bytes of the structure. */
export const returned = (
  { result, errno, data }: ReturnedAnswer,
  fields: (data: Uint8Array) => Record<string, FieldValue> = () => ({}),
): AnsweredCall => ({ ret: result, errno, returned: fields(data) });

/** A call of one command, which returns nothing but its result. */
export const simple = (text: string): EncodedCall => ({
  commands: [text],
  decode: (answer) => returned(answer),
});
