import { offset, type HostAddress, type Iova, type Size } from '../../address/index.ts';
import type { DmaMapRequest, Errno } from '../../host/index.ts';
import type { CallAnswer, FieldValue, HostCall, ProcessAddress } from '../session/host-call.ts';
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

/** The numbers of a mapping's flags, which differ between VFIO and iommufd. */
export interface MapFlags {
  readonly read: number;
  readonly write: number;
}

/** VFIO_DMA_MAP_FLAG_READ and VFIO_DMA_MAP_FLAG_WRITE of linux/vfio.h. */
export const VFIO_FLAGS: MapFlags = { read: 1, write: 2 };

/** A map as a request to the model, and whether its memory is usable. */
export interface RequestedMap {
  readonly request: DmaMapRequest;
  /** Whether the kernel could pin the memory, or read its page table, with the permissions of the map. */
  readonly usable: boolean;
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
 * @returns `undefined` when the place is a BAR that could not be mmapped
 */
export function requestedMap(
  { iova, size, vaddr, flags }: MapFields,
  memory: SessionMemory,
  { read, write }: MapFlags,
  barsAccessible: boolean,
): RequestedMap | undefined {
  const address = memory.address(vaddr);
  if (address === undefined) return undefined;
  const behind = memory.at(address, size === 0n ? 1n : size, barsAccessible);
  const usable =
    ((flags & read) === 0 || behind.readable) &&
    ((flags & write) === 0 || (behind.readable && behind.writable));
  return {
    request: {
      iova: iova as Iova,
      size: size as Size,
      hostAddress: address as HostAddress,
      readonly: (flags & write) === 0,
      deviceMemory: behind.bar !== undefined,
      backing: { region: vaddr.area, owner: undefined, offset: offset(vaddr.offset) },
    },
    usable,
  };
}
