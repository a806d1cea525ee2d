import type { PageSizeBitmap, Size } from '../address/index.ts';
import type { MemoryRegionSection } from '../memory/index.ts';

/** What the page of an sPAPR window is chosen from. In bytes, each a power of two. */
export interface WindowPages {
  /** The page that the window's region asks for: 4 KiB for the windows of the bridge. */
  readonly wanted: Size;
  /** The page of the host's kernel. */
  readonly host: Size;
  /** The pages that the host's windows can have. */
  readonly offered: PageSizeBitmap;
}

/** How VFIO containers are opened, filled and closed (vfio facts 6.8, 6.11, 7.1, 7.2 and 7.4). */
export interface ContainerRules {
  /** Which devices share a container; vfio-user devices never do. */
  readonly shared: 'all-devices' | 'one-each';
  /** When the container of a device that leaves is closed. */
  readonly closes: 'with-last-device' | 'with-any-device' | 'never';
  /** What a refusal of the host during set-up leads to (vfio fact 6.8). */
  readonly registrationFailure: 'device-refused' | 'ignored' | 'fatal';
  /** Whether the listener unmaps before or after the container is closed: then the kernel answers EINVAL. */
  readonly teardown: 'unregister-first' | 'close-first';
  /** The address space that the DMA listener follows: that of the devices, or system memory (vfio fact 6.11). */
  readonly space: 'of-devices' | 'system-memory';
  /** Priority of the DMA listener; KVM's has 10. */
  readonly listenerPriority: number;
  /** sPAPR: whether a section of RAM is registered before it is mapped (vfio fact 7.1). */
  registersRam(section: MemoryRegionSection): boolean;
  /** sPAPR: what becomes of a section of RAM that is not made of whole pages of the host (vfio fact 7.1). */
  readonly unalignedRam: 'left-out' | 'registered';
  /** sPAPR: whether removed RAM is unregistered. */
  readonly unregistersRam: boolean;
  /** sPAPR: whether the kernel's default window is removed at set-up (vfio fact 7.2). */
  readonly removesDefaultWindow: boolean;
  /** sPAPR: bytes of the window for a section of so many bytes: all of them in every release (vfio fact 7.2). */
  windowSize(size: Size): Size;
  /** sPAPR: the page of a window, in bytes; 0 if the host has none that fits (vfio fact 7.2). */
  windowPageSize(pages: WindowPages): Size;
  /** sPAPR: levels of a window's table with so many entries of 8 bytes (vfio fact 7.2). */
  windowLevels(entries: bigint, hostPageSize: Size): number;
  /** sPAPR: whether a removed section takes its window away (vfio fact 7.4). */
  readonly removesWindows: boolean;
}
