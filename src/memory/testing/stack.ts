import { offset } from '../../address/index.ts';
import { MemoryRegion } from '../memory-region.ts';
import { MemoryTopology } from '../memory-topology.ts';

const PAGE = 0x1000n;

/** A container of 16 pages with RAM regions at the given pages; the first region given is on top. */
export function stack(
  ...places: readonly (readonly [name: string, page: number, pages: number])[]
): MemoryRegion {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container('root', 16n * PAGE);
  for (const [name, page, pages] of places.toReversed()) {
    topology.addSubregion(root, MemoryRegion.ram(name, BigInt(pages) * PAGE), offset(BigInt(page) * PAGE));
  }
  return root;
}
