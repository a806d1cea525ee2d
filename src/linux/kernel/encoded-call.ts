import type { IoctlEncoding } from '../../host/abi/index.ts';
import type { AgentAnswer } from '../agent/agent-client.ts';
import type { AnsweredCall, FieldValue } from '../session/host-call.ts';
import type { SessionMemory } from '../session/memory-areas.ts';

/** The address space of a session on iommufd. */
export interface OpenAddressSpace {
  /** The id of the address space (IOAS); the container's descriptor is that of /dev/iommu. */
  readonly id: number;
  /** The descriptors of the dma-bufs that the session has exported, by the names that it gave them. */
  readonly dmaBufs: Map<string, number>;
}

/** The descriptors and the memory for a session's calls. A descriptor that the session does not have is -1. */
export interface CallContext {
  readonly container: number;
  readonly device: number;
  readonly machine: number;
  /** `undefined` for a session that is not on iommufd. */
  readonly addressSpace?: OpenAddressSpace | undefined;
  readonly memory: SessionMemory;
  readonly ioctls: IoctlEncoding;
}

/** The agent's answer to a command that returned. */
export type ReturnedAnswer = Extract<AgentAnswer, { kind: 'returned' }>;

/** A call as commands for the agent. The answer to the first command holds the answer to the call. */
export interface EncodedCall {
  readonly commands: readonly string[];
  /** @param later the answers to the commands after the first, which may hold fields that the kernel writes to memory */
  readonly decode: (answer: ReturnedAnswer, later?: readonly AgentAnswer[]) => AnsweredCall;
}

/** The kernel's answer; `fields` reads its fields from the bytes of the structure. */
export const returned = (
  { result, errno, data }: ReturnedAnswer,
  fields: (data: Uint8Array) => Record<string, FieldValue> = () => ({}),
): AnsweredCall => ({ ret: result, errno, returned: fields(data) });

/** Replaces a positive result, such as an address or a descriptor, by 0: it differs from run to run. */
export const asZero = (answer: AnsweredCall): AnsweredCall =>
  answer.ret > 0 ? { ...answer, ret: 0 } : answer;

/** A call of one command, which returns nothing but its result. */
export const simple = (text: string): EncodedCall => ({
  commands: [text],
  decode: (answer) => returned(answer),
});
