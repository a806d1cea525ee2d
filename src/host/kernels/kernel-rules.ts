import type { Iova, Size, HostAddress } from '../../address/index.ts';
import type { Errno } from '../errno.ts';
import type { KvmArchitecture } from '../kvm-architectures.ts';
import type { MsixMmapRule } from '../vfio-pci-region.ts';

/** The fields of a map request of which type1 tests size, alignment and end before it looks for mappings. */
export interface Type1MapFields {
  readonly iova: Iova;
  /** In bytes. */
  readonly size: Size;
  readonly hostAddress: HostAddress;
}

/** What releases of Linux changed in VFIO type1. */
export interface Type1Rules {
  /**
   * The tests of a map request that do not depend on the mappings (host facts M6 to M8 and D1).
   *
   * @param granule the container's smallest page, in bytes.
   * @returns 0 for a request that passes.
   */
  checkMap(request: Type1MapFields, granule: Size): Errno;
  /**
   * The tests of an unmap request that do not depend on the mappings (host facts U6, U8 and D1).
   *
   * @param granule the container's smallest page, in bytes.
   */
  checkUnmap(iova: Iova, size: Size, granule: Size): Errno;
  /** Whether the kernel finds a mapping, or an unmap range, that ends at 2^64 (host facts D2 and D12). */
  readonly findsEndOfSpace: boolean;
  /**
   * Whether the VADDR flags of MAP and UNMAP exist, with which the VMM replaces the virtual address of a mapping, and
   * the flag ALL of UNMAP (host facts M9, R1.5.4 and 0.1).
   */
  readonly replacesAddresses: boolean;
  /** Whether a container has a limit of mappings (host fact R1.3.4). */
  readonly limitsMappings: boolean;
  /** Whether the kernel keeps a list of valid IOVAs and holds a map to the list (host fact M12). */
  readonly checksValidIovas: boolean;
}

/** What releases of Linux changed in iommufd. */
export interface IommufdRules {
  /** Whether the end of the memory is tested before the upper limit of the length (host fact R2.2.6). */
  readonly checksMemoryEndFirst: boolean;
  /** Whether iommufd maps a BAR that vfio-pci exports as a dma-buf (host facts B1 to B12). */
  readonly mapsDmaBufOfBar: boolean;
  /** Whether a process can take over the pinned memory of another: IOMMU_IOAS_CHANGE_PROCESS (host facts 2.6, R2.6.1). */
  readonly changesProcess: boolean;
}

/** What releases of Linux changed in KVM. */
export interface KvmRules {
  /** How many slots an address space has (host facts K3 and R6.1.3). */
  slotLimit(architecture: KvmArchitecture): number;
  /** Whether KVM on x86 refuses a slot above the CPU's address width; arm64 always does (host fact K14). */
  readonly refusesSlotsAboveWidthOnX86: boolean;
}

/** The rules of VFIO, iommufd and KVM that differ between releases of Linux. */
export interface KernelRules {
  readonly msixMmap: MsixMmapRule;
  readonly type1: Type1Rules;
  /** `undefined` for a kernel without iommufd. */
  readonly iommufd: IommufdRules | undefined;
  readonly kvm: KvmRules;
}
