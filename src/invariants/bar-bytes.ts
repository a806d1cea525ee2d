import type { Offset, Range } from '../address/index.ts';
import { msixTableRange } from '../pci-layout/index.ts';
import type { BarState, DeviceState, TraceRange } from '../trace/index.ts';

/** Where in `bar` the region begins, or nothing when it shows no byte of that BAR. */
export function startInBar(bar: BarState, region: string): Offset | undefined {
  for (const layer of bar.layers) if (layer.region === region) return layer.offset;
  return undefined;
}

/** The BAR whose bytes the region shows, and where in it the region begins. */
export function barOf(
  device: DeviceState,
  region: string,
): { readonly bar: BarState; readonly start: Offset } | undefined {
  for (const bar of device.bars) {
    const start = startInBar(bar, region);
    if (start !== undefined) return { bar, start };
  }
  return undefined;
}

/**
 * Where in system memory the BAR begins, as the view tells where it shows some of it: windows of PCI
 * host bridges may shift bus addresses.
 */
export function startOfBar(
  bar: BarState,
  owner: string,
  flatView: readonly TraceRange[],
): bigint | undefined {
  if (bar.address === undefined) return undefined;
  for (const { start, offset, region } of flatView) {
    const layer = region.owner === owner ? startInBar(bar, region.name) : undefined;
    if (layer !== undefined) return start - offset - layer;
  }
  return undefined;
}

/** The MSI-X table as the guest's capability has it: its BAR, if there is one, and its bytes there. */
export function guestTable(device: DeviceState): (Range & { readonly bar: BarState }) | undefined {
  const layout = device.msix?.layout;
  const bar = layout && device.bars.find(({ index }) => index === layout.tableBar);
  if (layout === undefined || bar === undefined) return undefined;
  return { bar, ...msixTableRange(layout) };
}
