import { alignDown, alignUp, isAligned, offset, type Offset, type Size } from '../address/index.ts';
import { BAR_COUNT, msixTableSize, type MsixLayout } from '../pci-layout/index.ts';
import { Errno } from './errno.ts';

/** One of a device's six BARs. */
export interface BarDescription {
  /** In bytes, a power of two; 0 when the device has no such BAR. */
  readonly size: Size;
  /** Whether the BAR is an I/O BAR; otherwise it is a memory BAR. */
  readonly io: boolean;
  /**
   * Whether vfio-pci allows an mmap of the BAR. It does for a BAR of a host page or more, except on s390.
   * It does for a smaller BAR only if the BAR begins a page and shares that page with no other
   * (host facts R4.2.1 to R4.2.3).
   */
  readonly mmappable: boolean;
}

/**
 * Where the MSI-X table is, as the physical capability says; vfio-pci does not validate it
 * (host fact 4.7).
 */
type MsixTable = Pick<MsixLayout, 'vectors' | 'tableBar' | 'tableOffset'>;

/** A part of a region that the VMM may mmap. */
export interface SparseArea {
  readonly offset: Offset;
  readonly size: Size;
}

/**
 * How vfio-pci treats the pages of the MSI-X table (host fact 4.4): `sparse-msix` (Linux 4.6 to 4.15) refuses
 * their mmap, `msix-mappable` (4.16 and later) allows it.
 */
export type MsixMmapRule = 'sparse-msix' | 'msix-mappable';

/** A BAR of a device that is bound to vfio-pci. */
export interface VfioPciBar {
  /** The region's index; 0 to 5 are the BARs. */
  readonly index: number;
  readonly bar: BarDescription;
  /** The place of the device's MSI-X table; `undefined` for a device without MSI-X. */
  readonly msix: MsixTable | undefined;
  readonly kernel: MsixMmapRule;
  /** The host kernel's page in bytes. */
  readonly hostPageSize: Size;
  /** The areas that a vendor driver reports instead of vfio-pci's, with any offsets and sizes. */
  readonly sparseAreas?: readonly SparseArea[] | undefined;
}

/** VFIO_REGION_INFO_CAP_SPARSE_MMAP: the host allows mmap in these areas alone. */
export interface SparseMmapCapability {
  readonly id: 1;
  readonly areas: readonly SparseArea[];
}

/** VFIO_REGION_INFO_CAP_MSIX_MAPPABLE: the host allows an mmap of the region's MSI-X table. */
export interface MsixMappableCapability {
  readonly id: 3;
}

/** A capability in the answer of VFIO_DEVICE_GET_REGION_INFO. */
export type RegionCapability = SparseMmapCapability | MsixMappableCapability;

/** The answer of VFIO_DEVICE_GET_REGION_INFO. */
export interface RegionInfo {
  /** The exact length of the BAR in bytes, not rounded to pages. */
  readonly size: Size;
  readonly flags: { readonly read: boolean; readonly write: boolean; readonly mmap: boolean };
  /** In the order in which the answer chains them. */
  readonly capabilities: readonly RegionCapability[];
}

/** Whether the host reports VFIO_REGION_INFO_CAP_MSIX_MAPPABLE for the BAR. */
export const isMsixMappable = ({ capabilities }: RegionInfo): boolean =>
  capabilities.some((capability) => capability.id === 3);

/** The areas of the BAR's VFIO_REGION_INFO_CAP_SPARSE_MMAP; `undefined` without this capability. */
export const sparseMmapAreas = ({ capabilities }: RegionInfo): readonly SparseArea[] | undefined =>
  capabilities.find((capability) => capability.id === 1)?.areas;

/** Whether the BAR may be mmapped. Linux vfio_pci_core.c:vfio_pci_probe_mmaps, host fact 4.2. */
const isEligible = (bar: BarDescription): boolean => bar.mmappable && !bar.io && bar.size > 0n;

/** The MSI-X table if its BIR names this BAR. */
const tableOf = ({ index, msix }: VfioPciBar): MsixTable | undefined =>
  msix?.tableBar === index ? msix : undefined;

const endOf = ({ tableOffset, vectors }: MsixTable): bigint => tableOffset + msixTableSize(vectors);

/**
 * The areas that Linux 4.6 to 4.15 report for the table's BAR: the BAR without the pages that the table
 * touches. Linux vfio_pci.c:msix_sparse_mmap_cap, host facts 4.4 and R4.4.1 to R4.4.4.
 *
 * @returns one or two areas; one area of 0 bytes if the table's pages fill the BAR (host fact R4.4.2).
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
 * host facts 4.3 and 4.4. A vendor driver's areas come first in the chain and replace the areas around the
 * table; MSIX_MAPPABLE stays (host fact R4.4.5). A table's BAR that shares its page has no capability
 * (host fact R4.4.6).
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
 * A shared mmap of a part of a BAR. Linux vfio_pci_core.c:vfio_pci_core_mmap, host facts 4.5 and V0 to V7.
 * The BAR's resource is always free (host fact V8). Later accesses and kernels before 4.8 are not modelled
 * (host facts R4.5.3 to R4.5.5). If a vendor driver reports areas, the request must lie in one of them,
 * rounded outwards to pages.
 *
 * @param start offset in the BAR at which the mapping begins.
 * @param length in bytes; the kernel rounds up to pages.
 * @returns the error, 0 for success.
 */
export function mmapBar(region: VfioPciBar, start: Offset, length: Size): Errno {
  const { index, bar, kernel, hostPageSize, sparseAreas } = region;
  // host fact V0
  if (length === 0n || !isAligned(start, hostPageSize)) return Errno.EINVAL;
  const end = start + alignUp(length, hostPageSize);
  // host facts V4 and V5
  if (index >= BAR_COUNT || !isEligible(bar)) return Errno.EINVAL;
  // host fact V6: a BAR smaller than a page gives one whole page (host fact R4.5.2).
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
