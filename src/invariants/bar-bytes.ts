import type { Offset, Range } from '../address/index.ts';
import type { BarState, DeviceState } from '../target/trace.ts';

/** A stretch of a device's BAR, in offsets from the BAR's start. */
export interface BarBytes extends Range {
  readonly bar: BarState;
}

/** Bytes of a region: what a flat range, a memslot or a DMA mapping shows. */
export interface RegionBytes {
  readonly region: string;
  readonly offset: Offset;
  readonly size: bigint;
}

/** Which bytes of which of the device's BARs `bytes` are, or nothing when the region shows no BAR. */
export function barBytes(device: DeviceState, { region, offset, size }: RegionBytes): BarBytes | undefined {
  for (const bar of device.bars) {
    for (const layer of bar.layers) {
      if (layer.region !== region) continue;
      const start = layer.offset + offset;
      return { bar, start, end: start + size };
    }
  }
  return undefined;
}

/** The bytes of the MSI-X table in its BAR, as the guest's capability has them. */
export function tableBytes(device: DeviceState): (Range & { readonly barIndex: number }) | undefined {
  const layout = device.msix?.layout;
  if (layout === undefined) return undefined;
  const start = layout.tableOffset;
  return { barIndex: layout.tableBar, start, end: start + 16n * BigInt(layout.vectors) };
}

/** Where a BAR is now: the bus addresses that it decodes. */
export const decoded = ({ address, size }: BarState): Range | undefined =>
  address === undefined ? undefined : { start: address, end: address + size };
