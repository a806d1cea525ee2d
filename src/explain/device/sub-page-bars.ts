import type { Size } from '../../address/index.ts';
import type { PastedDevice } from '../lspci/pasted-device.ts';
import type { DeviceOnHost } from './device-spec.ts';

/** A memory BAR that is smaller than a page of the host. */
export interface SubPageBar {
  readonly index: number;
  readonly size: Size;
  readonly hostPageSize: Size;
  /** Whether vfio-pci lets QEMU mmap the BAR, by the address that the text shows; `undefined` without an address. */
  readonly mmappable: boolean | undefined;
}

/** The BARs that are smaller than a page of the host (host facts R4.2.2 and R4.2.3). */
export const subPageBars = (
  { bars }: PastedDevice,
  { device, host: { hostPageSize } }: DeviceOnHost,
): readonly SubPageBar[] =>
  device.bars
    .filter(({ type, size }) => type !== 'io' && size < hostPageSize)
    .map(({ index, size, mmap }) => {
      const isPlaced = bars.find((bar) => bar.index === index)?.address !== undefined;
      return { index, size, hostPageSize, mmappable: isPlaced ? mmap : undefined };
    });
