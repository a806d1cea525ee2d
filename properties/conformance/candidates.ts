import type { MemoryRegion } from '../../src/memory/index.ts';

/** A region that lies at an address; another one may answer there. */
export interface Candidate {
  readonly region: MemoryRegion;
  /** The offset of the address in the region. */
  readonly offset: bigint;
  /** Containers and aliases from the root to the region, which is the last element. */
  readonly path: readonly MemoryRegion[];
}

/**
 * The enabled regions at `address` in rendering order: the first region that terminates answers
 * (render_memory_region, memory fact 2.3).
 */
export function candidatesAt(root: MemoryRegion, address: bigint): Candidate[] {
  const candidates: Candidate[] = [];
  const visit = (region: MemoryRegion, base: bigint, above: readonly MemoryRegion[]): void => {
    const offset = address - base;
    if (!region.enabled || offset < 0n || offset >= region.size) return;
    const path = [...above, region];
    const { alias } = region;
    if (alias !== undefined) {
      visit(alias.region, base - alias.offset, path);
      return;
    }
    for (const child of region.subregions) visit(child, base + child.address, path);
    candidates.push({ region, offset, path });
  };
  visit(root, root.address, []);
  return candidates;
}

/** The two siblings at which the paths to two candidates part; `undefined` if one candidate contains the other. */
export function partingOf(a: Candidate, b: Candidate): readonly [MemoryRegion, MemoryRegion] | undefined {
  const index = a.path.findIndex((region, step) => region !== b.path[step]);
  const [first, second] = [a.path[index], b.path[index]];
  return first === undefined || second === undefined ? undefined : [first, second];
}
