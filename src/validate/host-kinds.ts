import {
  findNamedHost,
  type CpuSpec,
  type HostKernel,
  type MachineType,
  type Scenario,
} from '../scenario/index.ts';

/** A kind of host on which the cost of a patch is measured. */
export interface HostKind {
  /** `64K ARM`. */
  readonly name: string;
  readonly machine: MachineType;
  readonly cpu?: CpuSpec;
  readonly kernel: HostKernel;
  readonly hostPageSize: bigint;
  readonly iommu: Scenario['host']['iommu'];
  /** First bus address for 64-bit BARs, and for 32-bit BARs. */
  readonly windows: readonly [wide: bigint, narrow: bigint];
}

const K = 1024n;
const GIB = K ** 3n;
const TIB = K ** 4n;

const arm = (pages: bigint): HostKind => ({
  name: `${pages}K ARM`,
  machine: 'virt',
  kernel: 'msix-mappable',
  hostPageSize: pages * K,
  iommu: { type: 'type1', pageSizes: [pages * K] },
  windows: [512n * GIB, 0x1000_0000n],
});

/** An Arm host for each page size, and POWER, whose IOMMU has smaller pages than the host. */
export const MODEL_HOSTS: readonly HostKind[] = [
  arm(4n),
  arm(16n),
  arm(64n),
  {
    name: '64K POWER',
    machine: 'pseries',
    kernel: 'msix-mappable',
    hostPageSize: 64n * K,
    iommu: { type: 'spapr-tce-v2', pageSizes: [4n * K, 64n * K] },
    windows: [33n * TIB, 0x8000_0000n],
  },
];

/** A named host of x86, with the windows of q35. */
function x86(id: string): HostKind {
  const { cpu, kernel, hostPageSize, iommu } = findNamedHost(id)!;
  const { types, pageSizes, apertures } = iommu;
  return {
    name: id,
    machine: 'q35',
    cpu,
    kernel,
    hostPageSize,
    iommu: { type: types[0]!, pageSizes, ...(apertures && { apertures }) },
    windows: [128n * GIB, 0xc000_0000n],
  };
}

/** The hosts for builds of QEMU, most of which are for x86. */
export const BUILD_HOSTS: readonly HostKind[] = [x86('server-46'), ...MODEL_HOSTS];
