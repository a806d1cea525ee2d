import { DMA_WINDOW_PAGES, type HostSpec, type MachineSpec, type Operation } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/** How many of a hundred scenarios of pseries make a DMA window near their end. */
const SHARE = 50;
/** Of a hundred of these, how many have a window so large that its table has several levels. */
const LARGE_SHARE = 60;

const GIB = 1n << 30n;

/**
 * The operations with a DMA window among them, as Linux makes one: a power of two with room for all of the RAM. Machines
 * with much RAM are few, so a part of the windows is larger than the RAM.
 */
export function withDmaWindow(
  choose: Choose,
  { type, ram }: MachineSpec,
  { iommu }: HostSpec,
  operations: readonly Operation[],
): readonly Operation[] {
  if (type !== 'pseries' || iommu.maxWindows === 1 || !choose.chance(SHARE)) return operations;
  const pageSize = choose.among(DMA_WINDOW_PAGES);
  let size = choose.chance(LARGE_SHARE) ? (256n * GIB) << BigInt(choose.integer(0, 5)) : GIB;
  while (size < ram) size *= 2n;
  return operations.toSpliced(choose.integer(0, operations.length), 0, {
    op: 'create-dma-window',
    pageSize,
    size,
  });
}
