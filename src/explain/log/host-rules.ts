import { plainRule, type PlainRule } from './plain-rule.ts';

/** Messages about how a device gets to QEMU. No address is at fault. */
const ATTACHING: readonly PlainRule[] = [
  {
    id: 'memlock-libvirt',
    pattern:
      /cannot limit locked memory|RLIMIT_MEMLOCK \(?\d+\)? exceeded|vfio_pin_\w+: RLIMIT_MEMLOCK|[Ff]ailed to lock memory|locking memory failed|mlockall: /,
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
    id: 'container-not-permitted',
    pattern: /[Ff]ailed to set iommu for container: Operation not permitted/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'interrupt remapping; no address is at fault',
    why: 'EPERM: the kernel does not attach the group, as a rule because the IOMMU does not isolate interrupts; dmesg then says "No interrupt remapping support"',
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
    pattern:
      /Device is ineligible for IOMMU domain attach due to platform RMRR requirement|requested this device have a 1:1 IOMMU mapping/,
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
    id: 'cannot-reserve-bar',
    pattern: /BAR \d+(?: \[[^\]]*\])?:? can'?t reserve|can't reserve.*\bBAR\b/,
    severity: 'goes on',
    verdict: 'not fatal: QEMU goes on, and every access to the BAR exits',
    limit: 'mmap of the BAR',
    why: 'a driver or console of the host holds the BAR, so vfio-pci cannot give QEMU an mmap',
    remedies: { host: ['/proc/iomem shows who holds it; video=efifb:off or initcall_blacklist=sysfb_init'] },
  },
  {
    id: 'bar-not-assigned',
    pattern:
      /BAR \d+(?: \[.*?\])?: (?:no space for|failed to assign|can'?t assign)|can'?t assign; no space|bridge window.*(?:can'?t assign|no space|failed to assign)|can'?t claim; no compatible bridge window|BAR ?\d is 0M @ 0x0/,
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
    id: 'bar-not-resized',
    pattern: /Not enough PCI address space for a large BAR/,
    severity: 'goes on',
    verdict: 'not fatal: the driver goes on with the BAR of the present size',
    limit: 'PCI window',
    why: 'the driver wanted to enlarge a resizable BAR, and the window of the bridge above has no room; QEMU shows the guest a BAR that cannot be resized',
    remedies: {
      host: ['above-4G decoding and resizable BARs in the firmware, before vfio-pci takes the device'],
    },
  },
  {
    id: 'bar-above-4g',
    pattern: /can't handle (?:BAR (?:above|larger than) 4GB|64-bit address)/,
    severity: 'goes on',
    verdict: 'the BAR has no address for this kernel, so its driver cannot work; QEMU goes on',
    limit: 'kernel with addresses of 32 bits',
    why: 'the kernel that prints this line has PCI addresses of 32 bits (a 32-bit kernel without PAE), and firmware put the BAR above 4 GiB, or the BAR is larger than 4 GiB',
    remedies: {
      guest: ['in the log of a guest: a 64-bit kernel, or one of 32 bits with PAE'],
      host: ['in the log of the host: a 64-bit kernel'],
    },
  },
  {
    id: 'smmu-event',
    pattern: /arm-smmu-v3\S* .*event 0x(?:10|11|12|13) received/,
    severity: 'goes on',
    verdict: 'QEMU goes on; this DMA of the device is lost',
    limit: 'address that is not mapped',
    why: 'a device used an address that the SMMU does not map, or not for this access (events 0x10 to 0x13). Of the four numbers in the next lines the third is the address; the upper half of the first is the stream of the device',
    remedies: { qemu: ['the log of QEMU at that moment: was a map refused?'] },
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

export const HOST_RULES = [...ATTACHING, ...KERNEL].map(plainRule);
