import type { Offset, Range } from '../address/index.ts';
import { msixTableRange } from '../pci-layout/index.ts';
import type { BarState, DeviceState } from '../trace/index.ts';

/** The offset in `bar` at which the region begins; `undefined` where the region shows no byte of that BAR. */
export function startInBar(bar: BarState, region: string): Offset | undefined {
  for (const layer of bar.layers) if (layer.region === region) return layer.offset;
  return undefined;
}

/** The BAR whose bytes the region shows, and the offset in the BAR at which the region begins. */
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

/** Whether a region is the emulated PBA: QEMU's core makes one, and the vfio-user client one of its own. */
export const isEmulatedPba = (region: string): boolean => region === 'msix-pba' || region === 'VFIO MSIX PBA';

/**
 * The MSI-X table as the guest's capability places it: the BAR and the range of bytes in the BAR. The result is
 * `undefined` where the device has no MSI-X or no such BAR.
 */
export function guestTable(device: DeviceState): (Range & { readonly bar: BarState }) | undefined {
  const layout = device.msix?.layout;
  const bar = layout && device.bars.find(({ index }) => index === layout.tableBar);
  if (layout === undefined || bar === undefined) return undefined;
  return { bar, ...msixTableRange(layout) };
}
