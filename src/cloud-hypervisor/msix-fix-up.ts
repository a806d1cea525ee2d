import { alignUp, isAligned, low64, offset, type Offset, type Size } from '../address/index.ts';
import { msixTableSize, type MsixLayout } from '../pci-layout/index.ts';

/** A BAR as the guest is to see it, and where table and PBA are then. */
export interface FixedUpBar {
  readonly size: Size;
  readonly layout: MsixLayout;
}

/** Bytes of the PBA as cloud-hypervisor counts them: a word more than needed for 64, 128, ... vectors (MsixCap::pba_range). */
export const pbaRangeSize = (vectors: number): Size => 8n * BigInt(Math.floor(vectors / 64) + 1);

/** Offsets in the capability have 32 bits, and arithmetic 64; neither is checked in a release build. */
const asOffset = (value: bigint): Offset => offset(BigInt.asUintN(32, low64(value)));

/**
 * Moves a table that does not begin on a host page to the middle of a BAR twice as large, so that
 * trapped and mapped pages never meet (VfioCommon::fixup_msix_region). The PBA is moved by as much as
 * the table, wherever it is: one that lies before the table comes to lie before the middle, and one in
 * another BAR is moved in that BAR, which does not grow.
 *
 * @param bar index of a BAR with `regionSize` bytes; only 64-bit BARs are fixed up at all.
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
