import { alignDown, alignUp, isAligned, offset, type Offset, type Size } from '../address/index.ts';
import { msixTableSize, type MsixLayout } from '../pci-layout/index.ts';
import { Errno } from './errno.ts';

/** One of the six BARs as the host sees it. */
export interface BarDescription {
  /** In bytes, a power of two; 0 when the device has no such BAR. */
  readonly size: Size;
  /** An I/O BAR rather than a memory BAR. */
  readonly io: boolean;
  /**
   * Whether the host could let the BAR be mmapped at all. A BAR of a host page or more always can (but on
   * s390); a smaller one only when it begins a page and has that page to itself
   * (host facts R4.2.1 to R4.2.3).
   */
  readonly mmappable: boolean;
}

/** Where the MSI-X table is, as the physical capability says; vfio-pci does not validate it (host fact 4.7). */
type MsixTable = Pick<MsixLayout, 'vectors' | 'tableBar' | 'tableOffset'>;

/** A part of a region that may be mmapped. */
export interface SparseArea {
  readonly offset: Offset;
  readonly size: Size;
}

/**
 * What vfio-pci does about the MSI-X table (host fact 4.4): `sparse-msix` (4.6 to 4.15) cuts its pages out
 * of what may be mmapped, `msix-mappable` (4.16 and later) lets it be mmapped like the rest.
 */
export type MsixMmapRule = 'sparse-msix' | 'msix-mappable';

/** A BAR of a device that is bound to vfio-pci. */
export interface VfioPciBar {
  /** The region index; 0 to 5 are the BARs. */
  readonly index: number;
  readonly bar: BarDescription;
  /** `undefined` for a device without MSI-X. */
  readonly msix: MsixTable | undefined;
  readonly kernel: MsixMmapRule;
  /** The host kernel's page size in bytes. */
  readonly hostPageSize: Size;
  /** The areas that a vendor driver allows instead of what vfio-pci would; any offsets and sizes. */
  readonly sparseAreas?: readonly SparseArea[] | undefined;
}

/** VFIO_REGION_INFO_CAP_SPARSE_MMAP: mmap is possible in these areas only. */
export interface SparseMmapCapability {
  readonly id: 1;
  readonly areas: readonly SparseArea[];
}

/** VFIO_REGION_INFO_CAP_MSIX_MAPPABLE: the MSI-X table of this region may be mmapped. */
export interface MsixMappableCapability {
  readonly id: 3;
}

export type RegionCapability = SparseMmapCapability | MsixMappableCapability;

/** What VFIO_DEVICE_GET_REGION_INFO returns. */
export interface RegionInfo {
  /** The exact length of the BAR, not rounded to pages. */
  readonly size: Size;
  readonly flags: { readonly read: boolean; readonly write: boolean; readonly mmap: boolean };
  /** In the order of the chain. */
  readonly capabilities: readonly RegionCapability[];
}

/** Whether the host reports VFIO_REGION_INFO_CAP_MSIX_MAPPABLE for the BAR. */
export const isMsixMappable = ({ capabilities }: RegionInfo): boolean =>
  capabilities.some((capability) => capability.id === 3);

/** The areas of the BAR's VFIO_REGION_INFO_CAP_SPARSE_MMAP; `undefined` without this capability. */
export const sparseMmapAreas = ({ capabilities }: RegionInfo): readonly SparseArea[] | undefined =>
  capabilities.find((capability) => capability.id === 1)?.areas;

/** Linux vfio_pci_core.c:vfio_pci_probe_mmaps, host fact 4.2. */
const isEligible = (bar: BarDescription): boolean => bar.mmappable && !bar.io && bar.size > 0n;

/** The MSI-X table if it lies, by its BIR, in this BAR. */
const tableOf = ({ index, msix }: VfioPciBar): MsixTable | undefined =>
  msix?.tableBar === index ? msix : undefined;

const endOf = ({ tableOffset, vectors }: MsixTable): bigint => tableOffset + msixTableSize(vectors);

/**
 * What 4.6 to 4.15 leave of the table's BAR: all but the pages that the table touches. Linux
 * vfio_pci.c:msix_sparse_mmap_cap, host facts 4.4 and R4.4.1 to R4.4.4.
 *
 * @returns one or two areas; a BAR that the table's pages fill gets one of 0 bytes (host fact R4.4.2)
 */
function areasAroundTable(table: MsixTable, length: Size, hostPageSize: Size): readonly SparseArea[] {
  const low = alignDown(table.tableOffset, hostPageSize);
  const high = alignUp(endOf(table), hostPageSize);
  const areas: SparseArea[] = [];
  if (low !== 0n) areas.push({ offset: offset(0n), size: low });
  if (high < length) areas.push({ offset: offset(high), size: length - high });
  return areas.length > 0 ? areas : [{ offset: offset(0n), size: 0n }];
}

/**
 * VFIO_DEVICE_GET_REGION_INFO for a BAR. Linux vfio_pci_core.c:vfio_pci_ioctl_get_region_info,
 * host facts 4.3 and 4.4. Where a vendor driver gives areas of its own, they come first in the chain and
 * replace the areas around the table; they do not take MSIX_MAPPABLE away (host fact R4.4.5).
 * The table's BAR has no capability where it shares its page (host fact R4.4.6).
 */
export function regionInfo(region: VfioPciBar): RegionInfo {
  const { bar, kernel, hostPageSize } = region;
  const present = bar.size > 0n;
  const mmap = isEligible(bar);
  const table = mmap ? tableOf(region) : undefined;
  const areas =
    region.sparseAreas ??
    (table && kernel === 'sparse-msix' ? areasAroundTable(table, bar.size, hostPageSize) : undefined);

  const capabilities: RegionCapability[] = [];
  if (mmap && areas) capabilities.push({ id: 1, areas });
  if (table && kernel === 'msix-mappable') capabilities.push({ id: 3 });
  return { size: bar.size, flags: { read: present, write: present, mmap }, capabilities };
}

/**
 * mmap of the device's file, for a part of a BAR, shared. Linux vfio_pci_core.c:vfio_pci_core_mmap,
 * host facts 4.5 and V0 to V7. The BAR's resource is always free (host fact V8). Later accesses and kernels
 * before 4.8 are not modelled (host facts R4.5.3 to R4.5.5). With the areas of a vendor driver the request
 * has to lie in one of them, rounded outwards to pages.
 *
 * @param start where in the BAR the mapping begins
 * @param length in bytes; the kernel rounds it up to pages
 */
export function mmapBar(region: VfioPciBar, start: Offset, length: Size): Errno {
  const { index, bar, kernel, hostPageSize, sparseAreas } = region;
  // host fact V0
  if (length === 0n || !isAligned(start, hostPageSize)) return Errno.EINVAL;
  const end = start + alignUp(length, hostPageSize);
  // host facts V4 and V5
  if (index > 5 || !isEligible(bar)) return Errno.EINVAL;
  // host fact V6: the rest of the page behind a sub-page BAR belongs to it (host fact R4.5.2).
  if (end > alignUp(bar.size, hostPageSize)) return Errno.EINVAL;
  // host fact V7
  const table = tableOf(region);
  if (table && kernel === 'sparse-msix' && start < endOf(table) && table.tableOffset < end)
    return Errno.EINVAL;
  const allowed = sparseAreas?.some(
    (area) =>
      alignDown(area.offset, hostPageSize) <= start && end <= alignUp(area.offset + area.size, hostPageSize),
  );
  return allowed === false ? Errno.EINVAL : 0;
}
