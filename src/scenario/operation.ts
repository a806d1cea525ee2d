import type { Offset, Size } from '../address/index.ts';
import type { OverlayKind } from './overlay-kinds.ts';

/** How many bytes an access of a CPU may have. */
export const ACCESS_WIDTHS = [1, 2, 4, 8] as const;
export type CpuAccessWidth = (typeof ACCESS_WIDTHS)[number];

/** The power states of a PCI function that a guest sets in its power management capability. */
export const POWER_STATES = ['D0', 'D3hot'] as const;
export type PowerState = (typeof POWER_STATES)[number];

/** The pages of DMA windows that a guest of pseries may ask for, in bytes (the PHB's property `pgsz`). */
export const DMA_WINDOW_PAGES: readonly Size[] = [0x1000n, 0x1_0000n, 0x20_0000n, 0x100_0000n];
/** The largest DMA window that a guest of pseries may ask for, in bytes: it begins at 2^59. */
export const LARGEST_DMA_WINDOW: Size = 1n << 59n;

/** One action of the guest, of the user or of the machine. */
export type Operation =
  /** The guest writes an address into a BAR; into a 64-bit BAR in two writes, low half first. */
  | { readonly op: 'set-bar'; readonly device: string; readonly bar: number; readonly address: bigint }
  /**
   * The guest writes an address into the register of the expansion ROM, and its enable bit: a ROM answers only while both
   * this bit and memory are enabled.
   */
  | { readonly op: 'set-rom'; readonly device: string; readonly address: bigint; readonly enabled: boolean }
  /**
   * The guest sizes a BAR: it writes all ones into each half in turn, reads, and restores the half afterwards. `probe` is
   * what it writes into the first 4 bytes in place of all ones: 32 bits, such as 0xfffffff0 without the type bits.
   * `bar` 6 is the expansion ROM, whose address bits are the upper 21.
   */
  | { readonly op: 'size-bar'; readonly device: string; readonly bar: number; readonly probe?: bigint }
  /** The guest sets or clears the memory enable bit of COMMAND. */
  | { readonly op: 'enable-memory' | 'disable-memory'; readonly device: string }
  /** The guest sets or clears the enable bit of COMMAND for BARs of ports. */
  | { readonly op: 'enable-io' | 'disable-io'; readonly device: string }
  /** The guest sets or clears MSI-X Enable. */
  | { readonly op: 'enable-msix' | 'disable-msix'; readonly device: string }
  /** The guest writes the vector control word of an MSI-X table entry. */
  | {
      readonly op: 'mask-vector';
      readonly device: string;
      readonly vector: number;
      readonly masked: boolean;
    }
  /**
   * A CPU of the guest reads or writes `width` bytes at `offset` of a memory BAR. The access may be off its alignment,
   * and may end beyond the BAR. A BAR without an address is not accessed. `bar` 6 is the
   * expansion ROM.
   */
  | {
      readonly op: 'access-bar';
      readonly device: string;
      readonly bar: number;
      readonly offset: Offset;
      readonly width: CpuAccessWidth;
      readonly write: boolean;
    }
  /**
   * The guest asks for another size of a BAR, by the resizable BAR capability of the device. Does nothing where the VMM
   * hides the capability, as QEMU does, or shows the present size alone.
   */
  | { readonly op: 'resize-bar'; readonly device: string; readonly bar: number; readonly size: Size }
  /** The guest sets the power state of the device (PMCSR). A function answers at its BARs in D0 alone. */
  | { readonly op: 'set-power-state'; readonly device: string; readonly state: PowerState }
  /**
   * The guest of a pseries machine makes a second DMA window (ibm,create-pe-dma-window, vfio fact 7.6). Does nothing while
   * that window exists.
   */
  | { readonly op: 'create-dma-window'; readonly pageSize: Size; readonly size: Size }
  /** The user plugs a device in or unplugs it. A device whose first such operation is `hotplug` is absent at the start. */
  | { readonly op: 'hotplug' | 'unplug'; readonly device: string }
  /** The machine is reset. */
  | { readonly op: 'reset' }
  /** The machine adds a region to system memory, or removes it again. */
  | {
      readonly op: 'add-region';
      readonly name: string;
      readonly kind: OverlayKind;
      readonly address: bigint;
      readonly size: Size;
      readonly priority: number;
      /** Of `virtio-mem`: bytes of a block, a power of two; `BLOCK_SIZE` when left out. */
      readonly blockSize?: Size;
    }
  | { readonly op: 'remove-region'; readonly name: string }
  /** The guest switches a `rom-device` to its registers, or back to its contents. */
  | { readonly op: 'show-registers' | 'show-contents'; readonly name: string }
  /** The machine makes a region of the kind `ram` or `rom` read-only, or writable (memory_region_set_readonly). */
  | { readonly op: 'make-readonly' | 'make-writable'; readonly name: string }
  /**
   * The machine lets a region that shows RAM again show what lies `by` bytes further on (memory_region_set_alias_offset), as a
   * bank of a VGA card. Does nothing where the RAM ends before that.
   */
  | { readonly op: 'shift-alias'; readonly name: string; readonly by: Size }
  /**
   * The guest plugs or unplugs blocks of a `virtio-mem`: `size` bytes from `offset` on. Does nothing if one of the blocks is
   * plugged, or unplugged, already.
   */
  | {
      readonly op: 'plug-blocks' | 'unplug-blocks';
      readonly name: string;
      readonly offset: Offset;
      readonly size: Size;
    }
  /** A migration begins, or ends without success: the pages that the guest writes are logged until it ends. */
  | { readonly op: 'start-dirty-log' | 'stop-dirty-log' }
  /** The operations between `begin` and `commit` are one transaction of QEMU's memory API. */
  | { readonly op: 'begin' | 'commit' };

/** The names of the operations. */
export const OPERATIONS = [
  'set-bar',
  'set-rom',
  'size-bar',
  'enable-memory',
  'disable-memory',
  'enable-io',
  'disable-io',
  'enable-msix',
  'disable-msix',
  'mask-vector',
  'access-bar',
  'set-power-state',
  'resize-bar',
  'create-dma-window',
  'hotplug',
  'unplug',
  'reset',
  'add-region',
  'remove-region',
  'show-registers',
  'show-contents',
  'make-readonly',
  'make-writable',
  'shift-alias',
  'plug-blocks',
  'unplug-blocks',
  'start-dirty-log',
  'stop-dirty-log',
  'begin',
  'commit',
] as const satisfies readonly Operation['op'][];
