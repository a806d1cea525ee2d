import { hostAddress, iova } from '../address/index.ts';
import type { DmaMapRequest } from '../host/index.ts';
import { UNKNOWN } from './host-events.ts';
import type { HostMemory } from './host-memory.ts';

/** What a map of any interface names. */
export interface MapFields {
  readonly iova: bigint;
  /** In bytes. */
  readonly size: bigint;
  /** An address in QEMU. */
  readonly address: bigint;
  readonly readonly: boolean;
}

/** A map of QEMU as the host model takes it, with what lies at the address. */
export function mapRequest(
  { iova: at, size, address, readonly }: MapFields,
  memory: HostMemory,
): DmaMapRequest {
  const { deviceMemory, backing } = memory.at(address);
  return {
    iova: iova(at),
    size,
    hostAddress: hostAddress(address),
    readonly,
    deviceMemory,
    backing: backing ?? UNKNOWN,
  };
}
