import { iova } from '../address/index.ts';
import { domainPageSizes, TYPICAL_APERTURES, type1PageSizes, type Aperture } from '../host/index.ts';
import type { HostArchitecture } from './session/host-session.ts';

/** An IOMMU that QEMU emulates in front of the kernel. */
export interface EmulatedIommu {
  readonly architecture: HostArchitecture;
  /** What a domain of it can map, for a kernel with pages of `hostPageSize` bytes. */
  readonly domainPageSizes: (hostPageSize: bigint) => bigint;
  /** The valid-IOVA list that the kernel makes of it. */
  readonly iovaRanges: readonly Aperture[];
  /** The arguments of QEMU beside the machine. */
  readonly arguments: readonly string[];
  /** Options of QEMU's `-machine` beside its type. */
  readonly machine: readonly string[];
  /**
   * Whether QEMU accepts a vfio-user device behind it. Behind SMMUv3 QEMU has no notifier of maps, so only
   * QEMU's own devices work there, and their layout cannot be chosen.
   */
  readonly acceptsVfioUser: boolean;
}

const ANY_PAGE_FROM = (smallest: bigint): bigint => BigInt.asUintN(64, -smallest);

const intel = (bits: 39 | 48): EmulatedIommu => ({
  architecture: 'x86_64',
  domainPageSizes: (page) => domainPageSizes('intel', 0x40201000n, page),
  iovaRanges: bits === 39 ? TYPICAL_APERTURES.intel39 : TYPICAL_APERTURES.intel48,
  // Without caching-mode the unit tells QEMU's devices of no mapping, and QEMU refuses a vfio-user device.
  arguments: ['-device', `intel-iommu,intremap=on,caching-mode=on,aw-bits=${bits}`],
  machine: [],
  acceptsVfioUser: true,
});

/** virtio-iommu on `virt` names the window of the machine's interrupt translation service (host fact D8). */
const virtioIommu = (granule: '4k' | '16k' | '64k', smallest: bigint): EmulatedIommu => ({
  architecture: 'aarch64',
  domainPageSizes: (page) => domainPageSizes('virtio', ANY_PAGE_FROM(smallest), page),
  iovaRanges: [
    { first: 0n, last: 0x808_ffffn },
    { first: 0x80a_0000n, last: (1n << 64n) - 1n },
  ].map(({ first, last }) => ({ first: iova(first), last: iova(last) })),
  arguments: ['-device', `virtio-iommu-pci,granule=${granule},addr=1d.0`],
  machine: [],
  acceptsVfioUser: true,
});

/** The IOMMUs that sessions name, by the name in the session. */
export const EMULATED_IOMMUS: ReadonlyMap<string, EmulatedIommu> = new Map(
  Object.entries<EmulatedIommu>({
    'intel-aw39': intel(39),
    'intel-aw48': intel(48),
    'amd-v1': {
      architecture: 'x86_64',
      domainPageSizes: (page) => domainPageSizes('amd-v1', 0n, page),
      iovaRanges: TYPICAL_APERTURES.amdV1,
      arguments: ['-device', 'amd-iommu,intremap=on,dma-remap=on'],
      machine: [],
      acceptsVfioUser: true,
    },
    smmuv3: {
      architecture: 'aarch64',
      domainPageSizes: (page) => domainPageSizes('smmu', 0x60211000n, page),
      iovaRanges: TYPICAL_APERTURES.smmu48,
      arguments: [],
      machine: ['iommu=smmuv3'],
      acceptsVfioUser: false,
    },
    'virtio-granule-4k': virtioIommu('4k', 0x1000n),
    'virtio-granule-16k': virtioIommu('16k', 0x4000n),
    'virtio-granule-64k': virtioIommu('64k', 0x10000n),
  }),
);

/** The page sizes that a container of type1 reports behind an IOMMU. */
export const reportedPageSizes = (iommu: EmulatedIommu, hostPageSize: bigint): bigint =>
  type1PageSizes(iommu.domainPageSizes(hostPageSize), hostPageSize);
