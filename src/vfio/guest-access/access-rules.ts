import type { Offset, Size } from '../../address/index.ts';
import type { MemoryRegion } from '../../memory/index.ts';
import type { MsixLayout } from '../../pci-layout/index.ts';

/** What answers an access to a BAR that exits to QEMU: emulation of MSI-X, a mirror, or the device itself. */
export type BarStructure = 'table' | 'pba' | 'config-space' | 'device';

/** An access as QEMU hands it to the callbacks of a region. */
export interface CallbackAccess {
  /** Of the first byte, in the region. */
  readonly offset: Offset;
  /** In bytes, 1 to 8. */
  readonly width: number;
  readonly write: boolean;
}

/** The accesses that the callbacks of a region are made for (`valid` and `impl` of MemoryRegionOps). */
export interface RegionWidths {
  /** The most bytes of one access: 4 or 8. */
  readonly widest: number;
  /** Whether an access may be off its alignment. */
  readonly unaligned: boolean;
}

/** How QEMU carries out an access that exits to it (memory facts 4.1 to 4.3, vfio fact 5.18). */
export interface AccessRules {
  /**
   * Whether an access ends with its section at the latest; otherwise it may go on to the end of the region
   * (address_space_translate_internal, memory fact 4.1).
   */
  clampsToSection(region: MemoryRegion): boolean;
  /** How many bytes of the access go to the region at once (memory_access_size, memory fact 4.2). */
  pieceWidth(access: CallbackAccess, widths: RegionWidths): number;
  /**
   * What answers an access to a BAR.
   *
   * @param access its offset is that in the BAR `bar`.
   * @param found what the memory core has found there.
   * @param layout where table and PBA are emulated; `undefined` for a device without MSI-X.
   */
  route(
    access: CallbackAccess & { readonly bar: number },
    found: BarStructure,
    layout: MsixLayout | undefined,
  ): BarStructure;
  /**
   * Whether the emulated table or PBA carries out the access; QEMU rejects any other (msix_table_mmio_ops,
   * msix_pba_mmio_ops, vfio fact 5.18).
   *
   * @param access its offset is that in the table or PBA.
   * @param size bytes of the table's entries, or of the PBA.
   */
  accepts(structure: 'table' | 'pba', access: CallbackAccess, size: Size): boolean;
  /**
   * The vectors whose pending bits QEMU asks for before it reads its PBA (msix_pba_mmio_read, vfio fact 5.18).
   *
   * @param vectors the number of vectors of the device.
   */
  polledVectors(access: CallbackAccess, vectors: number): { readonly first: number; readonly end: number };
  /** The offset in the device's BAR at which QEMU carries out a trapped access (vfio_region_read). */
  deviceOffset(access: CallbackAccess & { readonly bar: number }): Offset;
  /**
   * Whether an access to the expansion ROM reaches the device's ROM (vfio_rom_read, vfio_rom_write, vfio fact 5.24). QEMU
   * drops a write, and reads nothing beyond the contents.
   *
   * @param access its offset is that in the ROM.
   * @param contents bytes that the host lets be read of the ROM.
   */
  reachesRom(access: CallbackAccess, contents: Size): boolean;
}
