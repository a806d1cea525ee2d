import { iova, isPowerOfTwo, type Iova, type PageSizeBitmap, type Size } from '../address/index.ts';
import { Errno } from './errno.ts';

/** A DMA window: a table of translation entries for `[start, start + size)`. */
export interface TceWindow {
  /** Which of the container's tables it is, from 0. */
  readonly slot: number;
  readonly start: Iova;
  readonly size: Size;
  /** Bytes that one entry translates. */
  readonly pageSize: Size;
}

/** VFIO_IOMMU_SPAPR_TCE_CREATE. */
export interface CreateWindowRequest {
  /** In bytes, a power of two. */
  readonly pageSize: Size;
  readonly size: Size;
  /** Levels of the table; 1 by default. */
  readonly levels?: number | undefined;
}

/** The result of VFIO_IOMMU_SPAPR_TCE_CREATE or _REMOVE. */
export interface WindowResult {
  readonly errno: Errno;
  /**
   * The window that was made, at the place that the host chose, or that was removed. `undefined` after an
   * error, and for a default window that was only promised.
   */
  readonly window: TceWindow | undefined;
}

/**
 * The platforms of Linux on POWER: bare metal, and a pseries guest, whose hypervisor makes the windows
 * (host fact 3.1).
 */
export type PowerPlatform = 'powernv' | 'pseries';

type TableRequest = CreateWindowRequest & { readonly levels: number };

/** The limits of a host's DMA windows. */
export interface TceWindowsOptions {
  readonly platform: PowerPlatform;
  readonly hostPageSize: Size;
  /** The page sizes that windows may have. */
  readonly pageSizes: PageSizeBitmap;
  /** The default window. */
  readonly dma32: { readonly start: Iova; readonly size: Size };
  /** How many windows there may be. */
  readonly maxWindows: number;
  /** How many levels a table may have. */
  readonly maxLevels: number;
}

/** The page of the default window, in bytes (host fact 3.3). */
const DEFAULT_WINDOW_PAGE: Size = 1n << 12n;
/** On bare metal the window in slot n starts at n times this address, except slot 0 (host fact 3.1). */
const SECOND_WINDOW = 1n << 59n;
/** Where a pseries guest has the 64-bit window that the guest asks for (host fact D14). */
export const PSERIES_WINDOW = iova(1n << 59n);
/** The most entries of a pseries guest's window: what QEMU reports (ibm,query-pe-dma-window, host fact D19). */
const PSERIES_MOST_ENTRIES = 1n << 37n;
/** Bits that all levels of a table and the page may have together (host fact C9). */
const TABLE_BIT_LIMIT = 55;
/** The kernel allocates no more bytes at once: a level of a table (host fact C10). */
const LARGEST_LEVEL_SHIFT = 24;
/** An entry has 2^3 bytes. */
const ENTRY_SHIFT = 3;

const shiftOf = (powerOfTwo: Size): number => powerOfTwo.toString(2).length - 1;

/** The first address behind a window. */
export const endOfWindow = ({ start, size }: TceWindow): bigint => start + size;

/** The DMA windows of a sPAPR v2 container (host facts 3.1 to 3.3, 3.7, D7 and D14). */
export class TceWindows {
  readonly #options: TceWindowsOptions;
  readonly #slots: (TceWindow | undefined)[];
  /** Attaching a group only promises the default window; its first use makes it (host facts 3.2 and 3.3). */
  #isDefaultPromised = true;
  /** Whether the hypervisor of a pseries guest has refused a window: then it makes no more (host fact D19). */
  #hypervisorRefused = false;

  constructor(options: TceWindowsOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.maxWindows }, () => undefined);
  }

  /** Makes the promised default window. After a failure the window stays promised (host fact 3.3). */
  makeDefault(): Errno {
    if (!this.#isDefaultPromised) return 0;
    const { errno } = this.#create({ pageSize: DEFAULT_WINDOW_PAGE, size: this.#options.dma32.size });
    if (errno === 0) this.#isDefaultPromised = false;
    return errno;
  }

  /**
   * VFIO_IOMMU_SPAPR_TCE_CREATE. On a fresh container the call makes two windows, the default one first.
   * Linux vfio_iommu_spapr_tce.c:tce_iommu_create_window, pci-ioda.c:pnv_pci_ioda2_create_table,
   * host facts C3 to C9.
   */
  create(request: CreateWindowRequest): WindowResult {
    // host fact C3
    const errno = this.makeDefault();
    return errno === 0 ? this.#create(request) : { errno, window: undefined };
  }

  /**
   * VFIO_IOMMU_SPAPR_TCE_REMOVE of the window that holds `address`, or of the promised default window. Linux
   * vfio_iommu_spapr_tce.c:tce_iommu_remove_window, host fact 3.7.
   */
  remove(address: Iova): WindowResult {
    if (address === 0n && this.#isDefaultPromised) {
      this.#isDefaultPromised = false;
      return { errno: 0, window: undefined };
    }
    const window = this.at(address);
    if (!window) return { errno: Errno.EINVAL, window };
    this.#slots[window.slot] = undefined;
    return { errno: 0, window };
  }

  /** The window that holds `address`. */
  at(address: Iova): TceWindow | undefined {
    return this.#slots.find((window) => window && window.start <= address && address < endOfWindow(window));
  }

  /** The windows that exist, by slot. */
  list(): readonly TceWindow[] {
    return this.#slots.filter((window) => window !== undefined);
  }

  /** Makes the default window while it is promised, else one that the VMM asks for. */
  #create({ pageSize, size, levels = 1 }: CreateWindowRequest): WindowResult {
    const { platform, pageSizes } = this.#options;
    const refused = (errno: Errno): WindowResult => ({ errno, window: undefined });
    // host fact C4
    const slot = this.#slots.indexOf(undefined);
    if (slot < 0) return refused(Errno.ENOSPC);
    // host fact C5
    if (!isPowerOfTwo(pageSize) || (pageSizes & pageSize) === 0n) return refused(Errno.EINVAL);
    const table = { pageSize, size, levels };
    const start = platform === 'pseries' ? this.#placeInGuest(slot, table) : this.#placeOnMetal(slot, table);
    if (typeof start === 'number') return refused(start);
    const window = { slot, start, size, pageSize };
    this.#slots[slot] = window;
    return { errno: 0, window };
  }

  /** Where a window of bare metal starts, or why it cannot be made (host facts 3.1 and C7). */
  #placeOnMetal(slot: number, table: TableRequest): Iova | Errno {
    if (!isPowerOfTwo(table.size) || table.size < table.pageSize) return Errno.EINVAL;
    const errno = this.#refusesTable(table);
    if (errno !== 0) return errno;
    return slot === 0 ? this.#options.dma32.start : iova(BigInt(slot) * SECOND_WINDOW);
  }

  /**
   * Where a window of a pseries guest starts, or why it cannot be made. Linux
   * platforms/pseries/iommu.c:spapr_tce_create_table, host facts C7, D7, D14 and D19.
   */
  #placeInGuest(slot: number, { pageSize, size, levels }: TableRequest): Iova | Errno {
    const { dma32 } = this.#options;
    // The kernel computes the bytes of the table, which may round to 0.
    if (!isPowerOfTwo(size) || levels > 1 || size << BigInt(ENTRY_SHIFT) < pageSize) return Errno.EINVAL;
    if (this.#hypervisorRefused) return Errno.ENODEV;
    const has64BitWindow = this.at(PSERIES_WINDOW) !== undefined;
    if (slot === 0) {
      if (has64BitWindow) return Errno.EPERM;
      if (pageSize === DEFAULT_WINDOW_PAGE && size <= dma32.size) return dma32.start;
    }
    if (size / pageSize > PSERIES_MOST_ENTRIES) return Errno.EINVAL;
    this.#hypervisorRefused = has64BitWindow || size < pageSize;
    return this.#hypervisorRefused ? Errno.ENODEV : PSERIES_WINDOW;
  }

  /** Why bare metal makes no table of so many levels, 0 if it makes one (host facts C7, C9 and C10). */
  #refusesTable({ pageSize, size, levels }: TableRequest): Errno {
    const { hostPageSize, maxLevels } = this.#options;
    if (levels < 1 || levels > maxLevels) return Errno.EINVAL;
    // A level takes at least a host page.
    const entriesShift = Math.ceil((shiftOf(size) - shiftOf(pageSize)) / levels);
    const levelShift = Math.max(entriesShift + ENTRY_SHIFT, shiftOf(hostPageSize));
    if ((levelShift - ENTRY_SHIFT) * levels + shiftOf(pageSize) >= TABLE_BIT_LIMIT) return Errno.EINVAL;
    return levelShift > LARGEST_LEVEL_SHIFT ? Errno.ENOMEM : 0;
  }
}
