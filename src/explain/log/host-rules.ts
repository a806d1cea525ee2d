import { plainRule, type PlainRule } from './plain-rule.ts';

/** Messages about how a device gets to QEMU. No address is at fault. */
const ATTACHING: readonly PlainRule[] = [
  {
    id: 'memlock-libvirt',
    pattern: /cannot limit locked memory|RLIMIT_MEMLOCK \(?\d+\)? exceeded|vfio_pin_\w+: RLIMIT_MEMLOCK/,
    severity: 'fatal',
    verdict: 'fatal: RAM cannot be pinned, so QEMU refuses the device',
    limit: 'lock limit',
    why: 'the process may lock less memory than the guest has',
    remedies: {
      host: ['LimitMEMLOCK=infinity, ulimit -l unlimited, --ulimit memlock=-1'],
      qemu: ['libvirt: <memtune><hard_limit> above RAM plus 1 GiB for each device'],
    },
  },
  {
    id: 'group-not-viable',
    pattern: /group \d+ is not viable|[Pp]lease ensure all devices within the iommu_group are bound/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'IOMMU group; no address is at fault',
    why: 'another device of the IOMMU group has a driver of the host',
    remedies: { host: ['bind every device of the group (bridges apart) to vfio-pci'] },
  },
  {
    id: 'no-interrupt-remapping',
    pattern: /No interrupt remapping (?:support|for)|allow_unsafe_interrupts/,
    severity: 'fatal',
    verdict: 'fatal: the container cannot be set up (EPERM)',
    limit: 'interrupt remapping; no address is at fault',
    why: 'the IOMMU does not isolate interrupts',
    remedies: {
      host: [
        'interrupt remapping in the firmware; or vfio_iommu_type1.allow_unsafe_interrupts=1 at your risk',
      ],
    },
  },
  {
    id: 'vfio-open',
    pattern:
      /failed to open \/dev\/(?:vfio|iommu)|error opening \/dev\/vfio|could not open '?\/dev\/(?:vfio|iommu)/i,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU cannot open it',
    limit: 'access to /dev/vfio; no address is at fault',
    why: 'the file is missing (device not bound to vfio-pci), in use by another process, or not permitted',
    remedies: { host: ['lspci -k: the driver in use must be vfio-pci; permissions of /dev/vfio/N'] },
  },
  {
    id: 'no-iommu-models',
    pattern:
      /[Nn]o available IOMMU models|failed to set iommu for container|no iommu_group found|Unable to .*IOMMU_IOAS|failed to setup container for group \d+: (?!memory listener)/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'IOMMU; no address is at fault',
    why: 'the host has no IOMMU in use for this device, or the container was refused',
    remedies: { host: ['intel_iommu=on or the IOMMU of the firmware; the driver vfio_iommu_type1 loaded'] },
  },
  {
    id: 'iova-conflict',
    pattern:
      /iommu_attach_group failed|Failed to attach group|vfio_iommu_type1_attach_group|conflicts? with (?:an )?existing|attach_ioas/i,
    severity: 'fatal',
    verdict: 'fatal for the device: it cannot join the container',
    limit: 'reserved range, or IOMMU width',
    why: 'ranges that are mapped already (RAM) meet what the new device reserves (RMRR, MSI), or lie beyond the width of its IOMMU (EINVAL; EADDRINUSE of iommufd)',
    remedies: { host: ['/sys/kernel/iommu_groups/N/reserved_regions of the device'] },
  },
  {
    id: 'rmrr',
    pattern: /Device is ineligible for IOMMU domain attach due to platform RMRR requirement/,
    severity: 'fatal',
    verdict: 'fatal for the device: the host keeps it',
    limit: 'reserved range',
    why: 'the firmware reserves memory for this device (RMRR), which the kernel does not give to a guest',
    remedies: { host: ['a setting of the firmware that frees the RMRR'] },
  },
];

/** Messages of the kernels of host and guest. */
const KERNEL: readonly PlainRule[] = [
  {
    id: 'iommu-width',
    pattern: /iommu width \(\d+\) is not sufficient for the mapped address/,
    severity: 'depends',
    verdict: 'depends: the kernel refused a map; the line of QEMU says of what',
    limit: 'IOMMU width',
    why: 'the address has more bits than the IOMMU of the host translates; the number in brackets is its width',
    remedies: { qemu: ['a guest CPU with fewer bits (host-phys-bits-limit=), so that BARs lie lower'] },
  },
  {
    id: 'cannot-reserve-bar',
    pattern: /BAR \d+:? can'?t reserve \[?(?:mem|io)|can't reserve.*\bBAR\b/,
    severity: 'goes on',
    verdict: 'not fatal: QEMU goes on, and every access to the BAR exits',
    limit: 'mmap of the BAR',
    why: 'a driver or console of the host holds the BAR, so vfio-pci cannot give QEMU an mmap',
    remedies: { host: ['/proc/iomem shows who holds it; video=efifb:off or initcall_blacklist=sysfb_init'] },
  },
  {
    id: 'bar-not-assigned',
    pattern:
      /BAR \d+(?: \[.*?\])?: (?:no space for|failed to assign|can'?t assign)|can'?t assign; no space|bridge window.*(?:can'?t assign|no space|failed to assign)/,
    severity: 'goes on',
    verdict: 'the BAR has no address, so its driver cannot work; QEMU goes on',
    limit: 'PCI window',
    why: 'the window of the bridge above is too small for the BAR: in a guest the windows are those of QEMU’s machine and of the root port',
    remedies: {
      qemu: [
        'pcie-root-port,pref64-reserve=SIZE; a larger pci-hole64-size (pc, q35) or highmem-mmio-size (virt)',
      ],
      guest: ['OVMF: opt/ovmf/X-PciMmio64Mb; Linux: pci=realloc'],
      host: ['the same line in the log of the host: above-4G decoding in the firmware, pci=realloc'],
    },
  },
  {
    id: 'unaligned-table-mmap',
    pattern: /mmap.*MSI-?X table|MSI-?X table.*mmap/i,
    severity: 'goes on',
    verdict: 'not fatal: the pages of the table stay trapped',
    limit: 'MSI-X table',
    why: 'before Linux 4.16 vfio-pci forbids the mmap of the pages of the table',
    remedies: { host: ['Linux 4.16 or later'] },
  },
];

/** Messages of other VMMs. */
const OTHERS: readonly PlainRule[] = [
  {
    id: 'iommu-dma-map-overlap',
    pattern: /IommuDmaMap\b.*(?:Error\(17\)|code: 17|File exists)/,
    severity: 'fatal',
    verdict: 'fatal in cloud-hypervisor and kata: the device or the machine does not start',
    limit: 'overlap',
    why: 'EEXIST: a part of the range is mapped already: two BARs claim one address, or a mapping stayed when a BAR moved',
  },
  {
    id: 'iommu-dma-map-pinning',
    pattern: /IommuDmaMap\b.*(?:Error\(14\)|code: 14|Bad address)/,
    severity: 'fatal',
    verdict: 'fatal in cloud-hypervisor and kata: the device or the machine does not start',
    limit: 'pinning, or BAR by address',
    why: 'EFAULT: memory that cannot be pinned, or with iommufd a BAR, which cannot be mapped by its address',
    remedies: {
      qemu: ['the legacy container instead of iommufd'],
      host: ['Linux 6.19 or later and a VMM that uses dma-buf'],
    },
  },
  {
    id: 'iommu-dma-map',
    pattern: /IommuDmaMap\b.*(?:Error\(22\)|code: 22|Invalid argument)/,
    severity: 'fatal',
    verdict: 'fatal in cloud-hypervisor and kata: the device or the machine does not start',
    limit: 'alignment, IOMMU width, or reserved range',
    why: 'EINVAL: the range is not made of whole pages, lies above the width of the IOMMU, or meets a reserved range; the line does not name the range',
  },
  {
    id: 'iommu-dma-map-memlock',
    pattern: /IommuDmaMap\b.*(?:Error\(12\)|code: 12|Cannot allocate memory|Out of memory)/,
    severity: 'fatal',
    verdict: 'fatal in cloud-hypervisor and kata: the device or the machine does not start',
    limit: 'lock limit',
    why: 'ENOMEM: the process may not lock so much memory',
    remedies: { host: ['LimitMEMLOCK=infinity, ulimit -l unlimited'] },
  },
];

export const HOST_RULES = [...ATTACHING, ...KERNEL, ...OTHERS].map(plainRule);
