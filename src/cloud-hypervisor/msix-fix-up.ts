import { alignUp, isAligned, low64, offset, type Offset, type Size } from '../address/index.ts';
import { msixTableSize, type MsixLayout } from '../pci-layout/index.ts';

/** Size of a BAR that the guest sees, and the place of table and PBA after the fix-up. */
export interface FixedUpBar {
  readonly size: Size;
  readonly layout: MsixLayout;
}

/**
 * Bytes of the PBA by cloud-hypervisor's count, 8 too many for a multiple of 64 vectors
 * (MsixCap::pba_range).
 */
export const pbaRangeSize = (vectors: number): Size => 8n * BigInt(Math.floor(vectors / 64) + 1);

/** Offsets in the capability have 32 bits, sums 64; a release build does not check for overflow. */
const asOffset = (value: bigint): Offset => offset(BigInt.asUintN(32, low64(value)));

/**
 * Moves a table that does not begin on a host page to the middle of a BAR at least twice as large, so that
 * no page is both trapped and mapped (VfioCommon::fixup_msix_region). The PBA moves by the same distance.
 * So a PBA before the table ends up before the middle, and a PBA in another BAR moves in that BAR, which
 * does not grow.
 *
 * @param bar index of a 64-bit BAR with `regionSize` bytes; cloud-hypervisor does not fix up others.
 */
export function fixUpMsixRegion(
  layout: MsixLayout,
  bar: number,
  regionSize: Size,
  hostPageSize: Size,
): FixedUpBar {
  const { vectors, tableBar, tableOffset, pbaOffset } = layout;
  if (tableBar !== bar || isAligned(tableOffset, hostPageSize)) return { size: regionSize, layout };
  const structures = alignUp(msixTableSize(vectors) + pbaRangeSize(vectors), hostPageSize);
  const size = 2n * (regionSize > structures ? regionSize : structures);
  const middle = size / 2n;
  return {
    size,
    layout: {
      ...layout,
      tableOffset: asOffset(middle),
      pbaOffset: asOffset(middle + pbaOffset - tableOffset),
    },
  };
}
