import { offset, type Offset } from '../address/index.ts';
import type { SparseArea } from '../host/index.ts';
import type { OfferedDevice } from './offered-device.ts';
import type { KernelFile } from './system-call.ts';

/** Areas of a BAR that vfio-pci has exported as one dma-buf, one after the other (host facts B1 to B5). */
export class DmaBufFile implements KernelFile {
  readonly kind = 'dma-buf';
  readonly device: OfferedDevice;
  readonly bar: number;
  readonly areas: readonly SparseArea[];

  constructor(device: OfferedDevice, bar: number, areas: readonly SparseArea[]) {
    this.device = device;
    this.bar = bar;
    this.areas = areas;
  }

  /**
   * The offset in the BAR of a byte of the dma-buf. For a byte beyond the end, which cannot be mapped, that of the first
   * byte.
   */
  offsetInBar(at: bigint): Offset {
    let before = 0n;
    for (const area of this.areas) {
      if (at < before + area.size) return offset(area.offset + at - before);
      before += area.size;
    }
    return this.areas[0]!.offset;
  }
}
