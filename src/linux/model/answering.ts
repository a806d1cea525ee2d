import { offset, type HostAddress, type Iova, type Size } from '../../address/index.ts';
import { Errno, type DmaMapRequest } from '../../host/index.ts';
import type { CallAnswer, FieldValue, HostCall, ProcessAddress } from '../session/host-call.ts';
import type { SessionDevice } from '../session/host-session.ts';
import type { SessionMemory } from '../session/memory-areas.ts';

/** Answers the calls of one session, one after the other. */
export type Answering = (call: HostCall) => CallAnswer;

/** The answer of a system call that returned an error, or 0. */
export const answered = (errno: Errno, returned: Readonly<Record<string, FieldValue>> = {}): CallAnswer => ({
  ret: errno === 0 ? 0 : -1,
  errno,
  returned,
});

/** No answer, because the model lacks a rule. @param reason what the model lacks, as it follows "not modelled:" */
export const notModelled = (reason: string): CallAnswer => ({ unanswered: `not modelled: ${reason}` });

/** A write of the command register, through the device's file. */
export const answerDecode = ({ open }: SessionDevice): CallAnswer => answered(open ? 0 : Errno.EBADF);

/** The numbers of a mapping's flags, which differ between VFIO and iommufd. */
export interface MapFlags {
  readonly READ: number;
  readonly WRITE: number;
}

interface MapFields {
  readonly iova: bigint;
  readonly size: bigint;
  readonly vaddr: ProcessAddress;
  readonly flags: number;
}

/**
 * Turns a map of a session into a request to the model.
 *
 * @param barsAccessible whether the device's memory decode is on
 */
export function requestedMap(
  { iova, size, vaddr, flags }: MapFields,
  memory: SessionMemory,
  { READ, WRITE }: MapFlags,
  barsAccessible: boolean,
): DmaMapRequest {
  const address = memory.address(vaddr);
  const behind = memory.at(address, size === 0n ? 1n : size, barsAccessible);
  const usable =
    ((flags & READ) === 0 || behind.readable) &&
    ((flags & WRITE) === 0 || (behind.readable && behind.writable));
  return {
    iova: iova as Iova,
    size: size as Size,
    hostAddress: address as HostAddress,
    readonly: (flags & WRITE) === 0,
    deviceMemory: behind.bar !== undefined,
    backing: { region: vaddr.area, owner: undefined, offset: offset(vaddr.offset) },
    unusable: !usable,
  };
}
