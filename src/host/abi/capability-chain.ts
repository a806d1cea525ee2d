import type { RegionCapability } from '../vfio-pci-region.ts';
import { CAPABILITY_HEADER, COUNTED_RANGES, RANGE, REGION_CAPABILITIES } from './vfio.ts';
import { concatenate } from './structure.ts';

/** A capability of an answer of VFIO, without its header. */
export interface ChainedCapability {
  readonly id: number;
  readonly version: number;
  readonly contents: Uint8Array;
}

/**
 * Decodes the chain of capabilities in an answer to GET_REGION_INFO or IOMMU_GET_INFO, in the chain's order.
 *
 * @param answer the structure and what follows it
 * @param first the `cap_offset` field; 0 for no chain
 */
export function decodeChain(answer: Uint8Array, first: number): ChainedCapability[] {
  const capabilities: ChainedCapability[] = [];
  // The offsets of a chain increase. A chain that goes back would never end.
  for (let at = first, last = 0; at > last && at + CAPABILITY_HEADER.bytes <= answer.length;) {
    const { id, version, next } = CAPABILITY_HEADER.decode(answer, at);
    const end = next > at ? next : answer.length;
    capabilities.push({ id, version, contents: answer.subarray(at + CAPABILITY_HEADER.bytes, end) });
    [last, at] = [at, next];
  }
  return capabilities;
}

/** The ranges of SPARSE_MMAP or IOVA_RANGE, as pairs. @throws RangeError if `contents` ends before the last one */
export function decodeRanges(contents: Uint8Array): [bigint, bigint][] {
  const { count } = COUNTED_RANGES.decode(contents);
  return Array.from({ length: count }, (_, index) => {
    const { first, second } = RANGE.decode(contents, COUNTED_RANGES.bytes + index * RANGE.bytes);
    return [first, second];
  });
}

const contentsOf = (capability: RegionCapability): Uint8Array =>
  capability.id === REGION_CAPABILITIES.SPARSE_MMAP
    ? concatenate(
        COUNTED_RANGES.encode({ count: capability.areas.length }),
        ...capability.areas.map(({ offset, size }) => RANGE.encode({ first: offset, second: size })),
      )
    : new Uint8Array(0);

/** The size of a chain of capabilities of region info in bytes, without the structure before the chain. */
export const regionCapabilityBytes = (capabilities: readonly RegionCapability[]): number =>
  capabilities.reduce((sum, one) => sum + CAPABILITY_HEADER.bytes + contentsOf(one).length, 0);

/**
 * The chain of capabilities of region info as bytes.
 *
 * @param start the offset of the chain in the answer, in bytes: the end of the structure, or higher
 */
export function encodeRegionChain(capabilities: readonly RegionCapability[], start: number): Uint8Array {
  let at = start;
  return concatenate(
    ...capabilities.map((capability, index) => {
      const contents = contentsOf(capability);
      at += CAPABILITY_HEADER.bytes + contents.length;
      const next = index === capabilities.length - 1 ? 0 : at;
      return concatenate(CAPABILITY_HEADER.encode({ id: capability.id, version: 1, next }), contents);
    }),
  );
}
