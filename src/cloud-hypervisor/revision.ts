import type { Size } from '../address/index.ts';
import type { SparseArea } from '../host/index.ts';
import type { MtreeForm } from '../memory/index.ts';
import type { HoleRule } from './sparse-areas.ts';

/** What differs between versions of cloud-hypervisor. */
export interface CloudHypervisorRules {
  /** The pages around a table or PBA that are not mmapped (VfioPciDevice::generate_sparse_areas). */
  readonly hole: HoleRule;
  /**
   * How many bytes of an area are mmapped (VfioPciDevice::map_mmio_regions).
   *
   * @returns nothing for an area for which the device is refused.
   */
  mmapLength(area: SparseArea, hostPageSize: Size): Size | undefined;
  /** The alignment of the address at which an area is mmapped (MmapRegion::mmap). In bytes. */
  mmapAlignment(length: Size, hostPageSize: Size): Size;
  /** Whether BARs can be kept from being mmapped (`x_exclude_mmap_bars`). */
  readonly excludesMmap: boolean;
  /**
   * When a BAR moves that is programmed while memory is enabled: then, or with the next write to another
   * register (VfioCommon::write_config_register; the shadow of COMMAND is what it goes by).
   */
  readonly movesEnabledBar: 'at-once' | 'with-next-write';
  /** Whether a move that fails gives back the old address: in the allocator and in the BAR's register. */
  readonly undoesRefusedMove: boolean;
  /** When a device is put on its bus, from where it is not taken away again when it is refused (add_vfio_device). */
  readonly commits: 'before-mapping' | 'after-mapping';
}

/**
 * A version of cloud-hypervisor, or a patch proposed for it. The engine asks its rules and never looks at
 * `id`.
 */
export interface CloudHypervisorRevision {
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  /** Where the rules come from: a release, pull requests, commits. */
  readonly source: string;
  readonly vmm: 'cloud-hypervisor';
  readonly iommus: readonly ['type1'];
  readonly rules: CloudHypervisorRules;
  /** The form in which its memory map is printed; it has no command of its own for that. */
  readonly mtree: MtreeForm;
}
