import { iova } from '../address/index.ts';
import { domainPageSizes, TYPICAL_APERTURES, type1PageSizes, type Aperture } from '../host/index.ts';
import type { HostArchitecture } from './session/host-session.ts';

/** An IOMMU that QEMU emulates in front of the kernel. */
export interface EmulatedIommu {
  readonly architecture: HostArchitecture;
  /** The page sizes of a domain behind this IOMMU, as a bitmap, for a kernel with pages of `hostPageSize` bytes. */
  readonly domainPageSizes: (hostPageSize: bigint) => bigint;
  /** The valid-IOVA list that the kernel computes for this IOMMU. */
  readonly iovaRanges: readonly Aperture[];
  /** QEMU's arguments that add the IOMMU as a device; empty where an option of `-machine` adds it. */
  readonly arguments: readonly string[];
  /** Options of QEMU's `-machine` that add the IOMMU. */
  readonly machine: readonly string[];
  /**
   * Whether QEMU accepts a vfio-user device behind this IOMMU. QEMU's SMMUv3 notifies no device of new
   * mappings, so only QEMU's own devices work behind it, and barproof cannot choose their BARs.
   */
  readonly acceptsVfioUser: boolean;
  /**
   * The PCI address of QEMU's own device behind the IOMMU, which is there from the start; `undefined` where devices are
   * plugged into a running machine.
   */
  readonly fixedDevice?: string | undefined;
}

const ANY_PAGE_FROM = (smallest: bigint): bigint => BigInt.asUintN(64, -smallest);

const intel = (bits: 39 | 48): EmulatedIommu => ({
  architecture: 'x86_64',
  domainPageSizes: (page) => domainPageSizes('intel', 0x40201000n, page),
  iovaRanges: bits === 39 ? TYPICAL_APERTURES.intel39 : TYPICAL_APERTURES.intel48,
  // Without caching-mode QEMU does not see new mappings of the kernel, and refuses a vfio-user device.
  arguments: ['-device', `intel-iommu,intremap=on,caching-mode=on,aw-bits=${bits}`],
  machine: [],
  acceptsVfioUser: true,
});

/** The virtio-iommu of `virt`. It reserves the window of the interrupt translation service (host fact D8). */
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

/** The IOMMUs that a session can name. */
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
    // A second host bridge, because the group of the first has the devices that the machine itself needs.
    spapr: {
      architecture: 'ppc64le',
      domainPageSizes: () => 0x1211000n,
      iovaRanges: [],
      arguments: [
        ...['-device', 'spapr-pci-host-bridge,index=1,id=behind'],
        ...['-device', 'nvme,serial=fixed,bus=behind.0,addr=0.0'],
      ],
      machine: [],
      acceptsVfioUser: false,
      fixedDevice: '0001:00:00.0',
    },
    'virtio-granule-4k': virtioIommu('4k', 0x1000n),
    'virtio-granule-16k': virtioIommu('16k', 0x4000n),
    'virtio-granule-64k': virtioIommu('64k', 0x10000n),
  }),
);

/** The page sizes that a type1 container reports behind an IOMMU, as a bitmap. */
export const reportedPageSizes = (iommu: EmulatedIommu, hostPageSize: bigint): bigint =>
  type1PageSizes(iommu.domainPageSizes(hostPageSize), hostPageSize);
