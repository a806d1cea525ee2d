import type { SparseArea } from '../host/index.ts';
import type { OfferedDevice } from './offered-device.ts';
import type { KernelFile } from './system-call.ts';

/** A part of a BAR that vfio-pci has exported as a dma-buf. */
export class DmaBufFile implements KernelFile {
  readonly kind = 'dma-buf';
  readonly device: OfferedDevice;
  readonly bar: number;
  readonly area: SparseArea;

  constructor(device: OfferedDevice, bar: number, area: SparseArea) {
    this.device = device;
    this.bar = bar;
    this.area = area;
  }
}
