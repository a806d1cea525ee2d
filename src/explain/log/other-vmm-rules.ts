import { plainRule, type PlainRule } from './plain-rule.ts';

const NO_ADDRESSES = 'the line does not name the range';
const NOT_STARTED = 'fatal in cloud-hypervisor and kata: the device or the machine does not start';
/** The layers of errors of cloud-hypervisor, in its forms for programs and for people. */
const RUST = '(?:IommuDmaMap\\b|[Ff]ailed to (?:DMA map|map an IOVA range)|Failed to map VFIO MMIO region)';
/** The errors of DPDK and SPDK, of which the VMM is no part. */
const USER_SPACE = '(?:[Cc]annot set up DMA (?:re)?mapping|[Ff]ailed to (?:map DMA|MAP DMA) ?\\w*)';

const rust = (errors: string): RegExp => new RegExp(`${RUST}.*(?:${errors})`);
const userSpace = (errors: string): RegExp => new RegExp(`${USER_SPACE}.*(?:${errors})`);

/** Messages of cloud-hypervisor and kata. */
const RUST_VMMS: readonly PlainRule[] = [
  {
    id: 'iommu-dma-map-overlap',
    pattern: rust('Error\\(17\\)|code: 17|os error 17|File exists'),
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'overlap',
    why: 'EEXIST: a part of the range is mapped already: two BARs claim one address, or a mapping stayed when a BAR moved',
  },
  {
    id: 'iommu-dma-map-pinning',
    pattern: rust('Error\\(14\\)|code: 14|os error 14|Bad address'),
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'pinning, or BAR by address',
    why: 'EFAULT: memory that cannot be pinned, or with iommufd a BAR, which cannot be mapped by its address',
    remedies: {
      qemu: ['the legacy container instead of iommufd, or no peer-to-peer DMA (vfio_p2p_dma=off)'],
      host: ['Linux 6.19 or later and a VMM that uses dma-buf'],
    },
  },
  {
    id: 'iommu-dma-map',
    pattern: rust('Error\\(22\\)|code: 22|os error 22|Invalid argument'),
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'alignment, IOMMU width, or reserved range',
    why: `EINVAL: the range is not made of whole pages, lies above the width of the IOMMU, or meets a reserved range; ${NO_ADDRESSES}`,
  },
  {
    id: 'iommu-dma-map-memlock',
    pattern: rust('Error\\(12\\)|code: 12|os error 12|Cannot allocate memory|Out of memory'),
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'lock limit',
    why: 'ENOMEM: the process may not lock so much memory',
    remedies: { host: ['LimitMEMLOCK=infinity, ulimit -l unlimited'] },
  },
];

/** Messages of cloud-hypervisor about moves of BARs. */
const RUST_MOVES: readonly PlainRule[] = [
  {
    id: 'rust-bar-move',
    pattern: /Failed moving device BAR: .*0x[0-9a-f]+->0x[0-9a-f]+\(0x[0-9a-f]+\)/,
    severity: 'goes on',
    verdict: 'not fatal: cloud-hypervisor goes on, and the BAR stays at the first address of the line',
    limit: 'PCI window, or an address in use',
    why:
      'the guest wrote an address at which cloud-hypervisor can place no BAR: outside its PCI windows, or used by another ' +
      'device; the line has the old address, the new one and the size. The register may name the new address all the same',
    remedies: { guest: ['a firmware and kernel that keep the addresses of BARs (pci=realloc=off)'] },
  },
];

/** Messages of Rust VMMs about memslots. */
const RUST_SLOTS: readonly PlainRule[] = [
  {
    id: 'rust-memslot',
    pattern:
      /(?:[Uu]ser ?[Mm]emory ?[Rr]egion|KVM_SET_USER_MEMORY_REGION2?).*(?:os error (?:14|17|22)|Error\((?:14|17|22)\))|os error (?:14|17|22)\).*KVM_SET_USER_MEMORY_REGION/,
    severity: 'fatal',
    verdict: 'fatal: the VMM ends, or refuses the device, when KVM refuses a memslot',
    limit: 'CPU width, alignment, or overlap of memslots',
    why: `error 22 (EINVAL): an address above the width of the CPU, or no whole pages; 14 (EFAULT): on arm64 an address above the guest-physical ones; 17 (EEXIST): two slots overlap; ${NO_ADDRESSES}`,
    remedies: { host: ['the log of the VMM with more detail (-vv, RUST_LOG=debug) names start and size'] },
  },
];

/** Messages of DPDK, SPDK and libvfio-user. */
const USER_SPACE_DRIVERS: readonly PlainRule[] = [
  {
    id: 'user-space-map-entries',
    pattern: userSpace('error 28\\b|No space left on device'),
    severity: 'fatal',
    verdict: 'fatal for the program, which cannot use this memory for DMA; QEMU is not concerned',
    limit: 'number of mappings',
    why: 'ENOSPC: the container has 65535 mappings, the default of vfio_iommu_type1.dma_entry_limit',
    remedies: { host: ['modprobe vfio_iommu_type1 dma_entry_limit=1000000; or larger huge pages'] },
  },
  {
    id: 'user-space-map-memlock',
    pattern: userSpace('error 12\\b|Cannot allocate memory'),
    severity: 'fatal',
    verdict: 'fatal for the program, which cannot use this memory for DMA; QEMU is not concerned',
    limit: 'lock limit',
    why: 'ENOMEM: the process may not lock so much memory',
    remedies: { host: ['LimitMEMLOCK=infinity, ulimit -l unlimited'] },
  },
  {
    id: 'user-space-map',
    pattern: userSpace('error 22\\b|Invalid argument'),
    severity: 'fatal',
    verdict: 'fatal for the program, which cannot use this memory for DMA; QEMU is not concerned',
    limit: 'alignment, IOMMU width, or reserved range',
    why: `EINVAL: the range is not made of whole pages, lies above the width of the IOMMU, or meets a reserved range; or the container has no IOMMU yet; ${NO_ADDRESSES}`,
    remedies: { host: ['DPDK: --iova-mode=pa, or a lower --base-virtaddr, keeps addresses below the width'] },
  },
  {
    id: 'vfio-user-region',
    pattern: /failed to (?:add|remove) DMA region/,
    severity: 'depends',
    verdict: 'depends: the vfio-user server cannot reach this range; the VMM gets the error as its reply',
    limit: 'overlap, alignment, or number of mappings',
    why: 'a vfio-user server refuses a range that overlaps another one or exceeds its table of ranges, and an unmap of a range that it does not have',
    remedies: { qemu: ['the map and unmap messages from before: a range that was not unmapped stays'] },
  },
];

export const OTHER_VMM_RULES = [...RUST_VMMS, ...RUST_MOVES, ...RUST_SLOTS, ...USER_SPACE_DRIVERS].map(
  plainRule,
);
