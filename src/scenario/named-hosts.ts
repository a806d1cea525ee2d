import type { Size } from '../address/index.ts';
import type { HostKernel } from './host-kernel.ts';
import type { ApertureSpec, CpuSpec, IommuTypeName, MachineType } from './scenario.ts';

/** A kind of host that people have, as far as mappings depend on it. */
export interface NamedHost {
  /** Such as `laptop-39`; stable, because messages and stored data name it. */
  readonly id: string;
  /** In a few words, for reports. */
  readonly title: string;
  readonly cpu: CpuSpec;
  readonly kernel: HostKernel;
  /** The page of the host kernel, in bytes. */
  readonly hostPageSize: Size;
  /** The machines that KVM runs there. */
  readonly machines: readonly MachineType[];
  readonly iommu: {
    /** The kinds of container; the first is what QEMU uses unless it is asked for another. */
    readonly types: readonly IommuTypeName[];
    /** The page sizes of an IOMMU domain, in bytes (host facts 5.1 to 5.3). */
    readonly pageSizes: readonly Size[];
    /** The valid IOVAs (host fact R1.7.3); all where left out. */
    readonly apertures?: readonly ApertureSpec[];
  };
}

const [KIB_4, KIB_16, KIB_64] = [0x1000n, 0x4000n, 0x1_0000n];
const [MIB_2, MIB_16, MIB_32, MIB_256, MIB_512] = [
  2n << 20n,
  16n << 20n,
  32n << 20n,
  256n << 20n,
  512n << 20n,
];
const GIB = 1n << 30n;

const lastOf = (bits: bigint): bigint => (1n << bits) - 1n;
/** Below and above the interrupt messages of x86 (host fact R1.7.2). */
const x86Ranges = (bits: bigint): readonly ApertureSpec[] => [
  { start: 0n, end: 0xfedf_ffffn },
  { start: 0xfef0_0000n, end: lastOf(bits) },
];
/** The same without HyperTransport, up to 2^64. */
const AMD_RANGES: readonly ApertureSpec[] = [
  { start: 0n, end: 0xfedf_ffffn },
  { start: 0xfef0_0000n, end: 0xfc_ffff_ffffn },
  { start: 0x100_0000_0000n, end: lastOf(64n) },
];
/** Below and above the MSI doorbells behind an SMMU, whose tables with pages of 64K have 52 bits. */
const smmuRanges = (bits: bigint): readonly ApertureSpec[] => [
  { start: 0n, end: 0x7ff_ffffn },
  { start: 0x810_0000n, end: lastOf(bits) },
];

const X86_MACHINES = ['q35', 'pc'] as const;
const X86_PAGES = [KIB_4, MIB_2, GIB];
/** Bits 12 to 51 without 39: table v1 of AMD (host fact 5.3). */
const AMD_PAGES = Array.from({ length: 40 }, (_, index) => KIB_4 << BigInt(index)).filter(
  (size) => size !== 1n << 39n,
);

const armServer = (id: string, hostPageSize: Size, pageSizes: readonly Size[], bits: bigint): NamedHost => ({
  id,
  title: `arm64 server with an SMMUv3 and pages of ${hostPageSize >> 10n}K`,
  cpu: { vendor: 'arm', physBits: Number(bits) },
  kernel: '6.12',
  hostPageSize,
  machines: ['virt'],
  iommu: { types: ['type1', 'iommufd'], pageSizes, apertures: smmuRanges(bits) },
});

const power = (id: string, title: string, kernel: HostKernel, pageSizes: readonly Size[]): NamedHost => ({
  id,
  title,
  cpu: { vendor: 'power', physBits: 52 },
  kernel,
  hostPageSize: KIB_64,
  machines: ['pseries'],
  iommu: { types: ['spapr-tce-v2'], pageSizes },
});

/** The hosts that generators draw and that reports name. Widths and kernels are typical, not the only ones. */
export const NAMED_HOSTS: readonly NamedHost[] = [
  {
    id: 'laptop-39',
    title: 'Intel laptop with 39 bits of addresses',
    cpu: { vendor: 'intel', physBits: 39 },
    kernel: '6.12',
    hostPageSize: KIB_4,
    machines: X86_MACHINES,
    iommu: { types: ['type1', 'iommufd'], pageSizes: X86_PAGES, apertures: x86Ranges(39n) },
  },
  {
    id: 'server-46',
    title: 'Intel server with 46 bits of addresses and 48 of its IOMMU',
    cpu: { vendor: 'intel', physBits: 46 },
    kernel: '6.12',
    hostPageSize: KIB_4,
    machines: X86_MACHINES,
    iommu: { types: ['type1', 'iommufd'], pageSizes: X86_PAGES, apertures: x86Ranges(48n) },
  },
  {
    id: 'amd-server',
    title: 'AMD server with 48 bits of addresses, which reserves HyperTransport below 1 TiB',
    cpu: { vendor: 'amd', physBits: 48 },
    kernel: '7.2',
    hostPageSize: KIB_4,
    machines: X86_MACHINES,
    iommu: { types: ['type1', 'iommufd'], pageSizes: AMD_PAGES, apertures: AMD_RANGES },
  },
  armServer('arm64-4k', KIB_4, [KIB_4, MIB_2, GIB], 48n),
  armServer('arm64-16k', KIB_16, [KIB_16, MIB_32], 48n),
  armServer('arm64-64k', KIB_64, [KIB_64, MIB_512], 52n),
  power('power8', 'POWER8 with windows of 4K, 64K, 16M and 256M', '4.18', [KIB_4, KIB_64, MIB_16, MIB_256]),
  power('power9', 'POWER9 with windows of 4K, 64K and 2M', '6.1', [KIB_4, KIB_64, MIB_2]),
  {
    id: 'apple-16k',
    title: 'Apple-like arm64 with pages of 16K and a DART',
    cpu: { vendor: 'arm', physBits: 42 },
    kernel: '7.2',
    hostPageSize: KIB_16,
    machines: ['virt'],
    iommu: { types: ['type1', 'iommufd'], pageSizes: [KIB_16], apertures: [{ start: 0n, end: lastOf(42n) }] },
  },
];

/** The host with this id; `undefined` for an id that no host has. */
export const findNamedHost = (id: string): NamedHost | undefined =>
  NAMED_HOSTS.find((host) => host.id === id);
