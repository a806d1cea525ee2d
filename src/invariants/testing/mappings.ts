import { gpa, hostAddress, iova, offset } from '../../address/index.ts';
import type { DmaMapping, Errno, Memslot } from '../../host/index.ts';
import type { ContainerState } from '../../trace/index.ts';

/** The host address of byte 0 of every region, unless a test names another. */
export const HOST_BASE = 0x7f00_0000_0000n;

/** What a DMA mapping or a memslot is backed by, and how the host answers the request for it. */
export interface BackingOptions {
  readonly region?: string;
  readonly owner?: string;
  readonly offset?: bigint;
  readonly hostAddress?: bigint;
  readonly readonly?: boolean;
  readonly deviceMemory?: boolean;
  readonly container?: string;
  readonly errno?: Errno;
}

/** A DMA mapping of RAM, or of device memory where `backing` has an owner. */
export const mapping = (at: bigint, size: bigint, backing: BackingOptions = {}): DmaMapping => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(backing.hostAddress ?? HOST_BASE + (backing.offset ?? 0n)),
  readonly: backing.readonly ?? false,
  deviceMemory: backing.deviceMemory ?? backing.owner !== undefined,
  backing: { region: backing.region ?? 'ram', owner: backing.owner, offset: offset(backing.offset ?? 0n) },
});

export const memslot = (
  at: bigint,
  size: bigint,
  backing: BackingOptions & { readonly slot?: number } = {},
): Memslot => ({
  slot: backing.slot ?? 0,
  gpa: gpa(at),
  size,
  hostAddress: hostAddress(backing.hostAddress ?? HOST_BASE + (backing.offset ?? 0n)),
  readonly: backing.readonly ?? false,
  logDirtyPages: false,
  backing: { region: backing.region ?? 'ram', owner: backing.owner, offset: offset(backing.offset ?? 0n) },
});

export const container = (mappings: readonly DmaMapping[], name = 'container'): ContainerState => ({
  name,
  mappings,
});
