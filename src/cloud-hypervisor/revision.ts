import type { Size } from '../address/index.ts';
import type { SparseArea } from '../host/index.ts';
import type { MtreeForm } from '../memory/index.ts';
import type { HoleRule } from './sparse-areas.ts';

/** The rules that differ between versions of cloud-hypervisor. */
export interface CloudHypervisorRules {
  /** The pages around table or PBA that the VMM does not mmap (VfioPciDevice::generate_sparse_areas). */
  readonly hole: HoleRule;
  /**
   * How many bytes the VMM mmaps for an area (VfioPciDevice::map_mmio_regions).
   *
   * @returns `undefined` for an area that makes the VMM refuse the device.
   */
  mmapLength(area: SparseArea, hostPageSize: Size): Size | undefined;
  /** Alignment in bytes of the host address at which the VMM mmaps an area (MmapRegion::mmap). */
  mmapAlignment(length: Size, hostPageSize: Size): Size;
  /** Whether the user can exclude BARs from mmap (`x_exclude_mmap_bars`). */
  readonly excludesMmap: boolean;
  /**
   * When a BAR moves that the guest programs while memory is enabled: at once, or with the guest's next write to
   * another register. VfioCommon::write_config_register reads the shadow of COMMAND.
   */
  readonly movesEnabledBar: 'at-once' | 'with-next-write';
  /** Whether a failed move restores the old address in the allocator and in the BAR's register. */
  readonly undoesRefusedMove: boolean;
  /**
   * When the VMM puts a device on its bus (add_vfio_device). A refused device that is on its bus stays
   * there.
   */
  readonly commits: 'before-mapping' | 'after-mapping';
}

/**
 * A version of cloud-hypervisor, or a patch proposed for it. The engine asks the rules and never looks at
 * `id`.
 */
export interface CloudHypervisorRevision {
  /** `cloud-hypervisor-53.0`, or base and proposal: `cloud-hypervisor-51.0+clamped-holes`. */
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  /** Where the rules come from: a release, pull requests, commits. */
  readonly source: string;
  readonly vmm: 'cloud-hypervisor';
  readonly iommus: readonly ['type1'];
  readonly rules: CloudHypervisorRules;
  /** The form in which barproof prints its memory map. cloud-hypervisor has no command that prints one. */
  readonly mtree: MtreeForm;
}
