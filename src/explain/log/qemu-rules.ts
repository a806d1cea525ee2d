import { Errno } from '../../host/index.ts';
import { plainRule, type PlainRule } from './plain-rule.ts';

/** Messages of QEMU about DMA, whose numbers stand in other lines. */
const DMA: readonly PlainRule[] = [
  {
    id: 'viommu-notifier',
    pattern: /requires iommu (?:MAP|UNMAP) notifier which is not currently supported/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'emulated IOMMU; no address is at fault',
    why: 'the device is behind an emulated IOMMU that cannot tell VFIO what the guest maps: SMMUv3 of QEMU, or intel-iommu without caching-mode=on',
    remedies: {
      qemu: [
        'the device on a bus without the emulated IOMMU; on x86 caching-mode=on of intel-iommu; on Arm virtio-iommu in place of iommu=smmuv3',
      ],
    },
  },
  {
    id: 'dma-unable-to-continue',
    pattern: /vfio: (?:DMA mapping|Memory registering) failed, unable to continue/,
    severity: 'fatal',
    verdict: 'fatal: QEMU ends (hw_error, then abort)',
    limit: 'see the line of the refused map',
    why: 'the kernel refused to map a range for DMA while the machine ran. QEMU before 2.12 ends for a BAR too; later releases for RAM only',
    remedies: { qemu: ['QEMU 2.12 or later, if the range is a BAR'] },
  },
  {
    id: 'p2p-not-supported',
    pattern:
      /PCI peer-to-peer transactions on BARs are not supported|failed to vfio_dma_map\. pci p2p may not work/,
    severity: 'goes on',
    verdict:
      'not fatal: QEMU goes on without peer-to-peer DMA to this BAR. CPU accesses, and DMA to RAM, are as before',
    limit: 'see the line of the refused map',
    why: 'the kernel refused to map a BAR for the DMA of other devices. QEMU 10.0 and later print this once, and not again for further BARs',
  },
  {
    id: 'unmap-dma-failed',
    pattern:
      /(?:VFIO_UNMAP_DMA|IOMMU_IOAS_UNMAP)(?:: -\d+| failed)|vfio_(?:container_|legacy_)?dma_unmap\((?:.*= -\d+|\) failed)/,
    severity: 'goes on',
    verdict: 'not fatal: QEMU goes on. A mapping may stay in the IOMMU',
    limit: 'unmap',
    why: 'the kernel refused to unmap a range: it cuts a mapping (EINVAL), or nothing is mapped there (ENOENT of iommufd)',
    remedies: { qemu: ['report it with `info mtree -f` from before and after'] },
  },
  {
    id: 'ioas-map-bar',
    pattern: /IOMMU_IOAS_MAP(?:_FILE)? failed: .*PCI BAR\?/,
    severity: 'goes on',
    verdict: 'not fatal: QEMU goes on without peer-to-peer DMA to this BAR',
    limit: 'BAR by address',
    why: 'iommufd cannot map a BAR by its address (EFAULT); from Linux 6.19 and QEMU 11 on QEMU hands in a dma-buf',
    remedies: {
      host: ['Linux 6.19 or later'],
      qemu: ['QEMU 11 or later, or the legacy container (vfio-pci without iommufd=)'],
    },
  },
  {
    id: 'no-dma-buf',
    pattern:
      /dma-?buf (?:unavailable|not supported in kernel), using mmap fallback|Failed to create dmabuf|failed to create dmabuf/i,
    severity: 'goes on',
    verdict: 'not fatal: no peer-to-peer DMA to this BAR with iommufd',
    limit: 'BAR by address',
    why: 'the kernel does not export this BAR as a dma-buf: Linux before 6.19, or a BAR smaller than a page',
    remedies: {
      host: ['Linux 6.19 or later'],
      qemu: ['the legacy container (vfio-pci without iommufd=) maps BARs by address'],
    },
  },
  {
    id: 'dma-mappings-run-out',
    pattern: /possibly running out of DMA mappings|Maximum possible DMA mappings/,
    severity: 'goes on',
    verdict: 'not fatal yet: plugging more memory may fail',
    limit: 'number of mappings',
    why: 'virtio-mem maps each of its blocks by itself, and the container takes 65535 mappings (vfio_iommu_type1.dma_entry_limit)',
    remedies: { host: ['a larger dma_entry_limit'], qemu: ['a larger block-size of virtio-mem, or iommufd'] },
  },
];

/** Messages of QEMU about BARs, MSI-X and memslots. */
const BARS: readonly PlainRule[] = [
  {
    id: 'mmap-failed',
    pattern:
      /[Ff]ailed to mmap (?:.*Performance may be slow|\S+ BAR|region)|vfio: failed to mmap|vfio_region_mmap_fault Region/,
    severity: 'goes on',
    verdict:
      'not fatal: QEMU goes on, and every access to the BAR exits: slow, and no peer-to-peer DMA to it',
    limit: 'mmap of the BAR',
    why: 'the kernel refused the mmap: another driver holds the BAR (EBUSY: a console on the GPU, efifb, simplefb), the BAR shares its page, or QEMU’s areas are not on whole pages',
    remedies: {
      host: [
        '/proc/iomem shows who holds the BAR; video=efifb:off, initcall_blacklist=sysfb_init, or unbinding the console frees it',
      ],
    },
  },
  {
    id: 'msix-layout',
    pattern: /table & pba overlap, or they don'?t fit in BARs, or don'?t align/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'MSI-X layout',
    why: 'the MSI-X capability of the device names a table or PBA that does not fit in its BAR, overlaps the other, or is not on 8 bytes (msix_init, EINVAL). 0x11 is the capability MSI-X, the number behind @ its offset',
    remedies: {
      host: ['`lspci -vv` shows the layout; explain reads it'],
      qemu: ['x-msix-relocation=barN puts table and PBA elsewhere (QEMU 2.12 and later)'],
    },
  },
  {
    id: 'add-capability',
    pattern: /[Ff]ailed to add PCI capability/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'PCI capability',
    why: 'QEMU could not put this capability into the configuration space of the guest’s device: its range overlaps another capability, or its contents are not valid. The number in front of the bracket is the id (0x11 MSI-X, 0x10 PCI Express, 0x5 MSI), the one behind @ the offset',
    remedies: { host: ['`lspci -vv -xxx` shows the capabilities as the device has them'] },
  },
  {
    id: 'bar-size',
    pattern: /PCI region size must be pow2/,
    severity: 'fatal',
    verdict: 'fatal: QEMU ends',
    limit: 'size of the BAR',
    why: 'the size of a BAR is no power of two; the line has it. Hardware has no other sizes, so the device answers wrongly or a server reports it',
    remedies: { host: ['`lspci -vv` of the device: the sizes of its regions; a cold start'] },
  },
  {
    id: 'pba-outside',
    pattern: /MSIX PBA outside of specified BAR/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'MSI-X layout',
    why: 'the capability names a PBA beyond the end of its BAR',
    remedies: { qemu: ['x-msix-relocation=barN (QEMU 4.1 and later tolerate the PBA then)'] },
  },
  {
    id: 'msix-bir',
    pattern: /invalid MSI-X BIR/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'MSI-X layout',
    why: 'the capability names BAR 6 or 7, which do not exist',
    remedies: { host: ['the firmware of the device, or a read of a device that does not answer'] },
  },
  {
    id: 'msix-relocation',
    pattern: /Invalid MSI-X relocation BAR|No automatic MSI-X relocation available/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses this x-msix-relocation',
    limit: 'x-msix-relocation',
    why: 'the BAR cannot take the table: an I/O BAR, the second half of a 64-bit BAR, or one too large for 32 bits; auto knows no device',
    remedies: { qemu: ['explain on `lspci -vv` of the device tries every value and names the best one'] },
  },
  {
    id: 'sparse-overlap',
    pattern: /overlapping sparse mmap regions/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU 11 refuses it; QEMU before 11 accepts it',
    limit: 'sparse mmap areas',
    why: 'the vendor driver of the host, or the vfio-user server, reports areas of a BAR that overlap',
    remedies: { host: ['report it to the driver or server'] },
  },
  {
    id: 'registering-slot',
    pattern:
      /error (?:un)?registering (?:\w+ )?slot|KVM_SET_USER_MEMORY_REGION2? failed|kvm_set_user_memory_region:? failed|kvm: error -\d+ registering slot/,
    severity: 'fatal',
    verdict: 'fatal: QEMU ends when KVM refuses a memslot',
    limit: 'memslot; the line has no numbers',
    why: 'KVM refused to show a piece of RAM or of a BAR to the guest. The line that begins with kvm_set_user_memory_region has start and size',
    errors: {
      [Errno.EINVAL]: {
        limit: 'CPU width, or alignment (a memslot; the line has no numbers)',
        why: 'an address above the width of the CPU (a 64-bit BAR that the guest sizes with memory decoding on reaches the top of 2^64), or a slot that is not made of whole pages',
      },
      [Errno.EEXIST]: { limit: 'overlap (a memslot; the line has no numbers)', why: 'two slots overlap' },
      [Errno.EFAULT]: {
        limit: 'CPU width on arm64 (IPA), or memory of QEMU (a memslot; the line has no numbers)',
        why: 'memory of QEMU that is not there; on arm64 an address above the guest-physical ones (IPA)',
      },
      [Errno.ENOMEM]: 'KVM has no memory for the slot',
    },
    remedies: {
      host: ['dmesg, and the lines around this one'],
      qemu: ['QEMU 5.0 and later print start and size'],
    },
  },
  {
    id: 'no-free-slot',
    pattern:
      /no free slot available|[Nn]o free memory slots available|a used vhost backend has no free memory slots/,
    severity: 'fatal',
    verdict: 'fatal for the machine or for the plugged memory',
    limit: 'number of slots',
    why: 'KVM or vhost has no free memslot: each BAR area and each piece of memory takes one (509 on x86 before Linux 5.12, 32764 since)',
    remedies: { host: ['Linux 5.12 or later; vhost.max_mem_regions'], qemu: ['fewer DIMMs, larger blocks'] },
  },
  {
    id: 'ipa-bits',
    pattern: /Addressing limited to \d+ bits, but memory exceeds it by \d+ bytes/,
    severity: 'fatal',
    verdict: 'fatal: QEMU does not start; no device is at fault',
    limit: 'CPU width',
    why: "RAM of arm64's virt, with the room for more that maxmem asks for, ends above the last guest-physical address (IPA) that KVM or the CPU offers",
    remedies: { qemu: ['less RAM, or a smaller maxmem'] },
  },
  {
    id: 'phys-bits-differ',
    pattern: /Host physical bits \(\d+\) does not match phys-bits property \(\d+\)/,
    severity: 'harmless',
    verdict:
      'harmless by itself: with more bits than the host, firmware may put a BAR where KVM refuses its memslot, and QEMU ends',
    limit: 'CPU width',
    why: 'the guest’s CPU claims another number of address bits than the host’s CPU has',
    remedies: { qemu: ['host-phys-bits=on (libvirt: <maxphysaddr mode="passthrough"/>)'] },
  },
  {
    id: 'vtd-width',
    pattern: /aw-bits \d+ > host aw-bits \d+/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'IOMMU width',
    why: 'the vIOMMU of the guest offers more address bits (the first number) than the IOMMU of the host translates (the second)',
    remedies: { qemu: ['-device intel-iommu,aw-bits= the second number (39 or 48)'] },
  },
  {
    id: 'viommu-pages',
    pattern: /virtio-iommu (?:reports a page size mask|.*does not support frozen granule)/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'alignment',
    why: 'the IOMMU of the host maps larger pages than the virtio-iommu of the guest has offered already',
    remedies: {
      qemu: ['-device virtio-iommu-pci,granule=host (QEMU 9.0 and later), or the device present at start'],
    },
  },
  {
    id: 'phys-bits',
    pattern: /phys-bits too low|Address space limit 0x/,
    severity: 'fatal',
    verdict: 'fatal: QEMU does not start; no device is at fault',
    limit: 'CPU width',
    why: 'RAM and PCI windows of the machine end above the last address of the guest’s CPU. With an AMD CPU, QEMU 7.1 and later put RAM above 4 GiB at 1 TiB if it would meet HyperTransport, which needs more than 40 bits',
    remedies: {
      qemu: ['-cpu host, host-phys-bits=on, or phys-bits=48; less RAM; a smaller pci-hole64-size'],
    },
  },
  {
    id: 'kvm-run-bad-address',
    pattern: /kvm run failed Bad address/,
    severity: 'fatal',
    verdict: 'fatal: the virtual CPU stops',
    limit: 'access to a BAR or to RAM',
    why: 'EFAULT: the guest touched a page that the kernel could not give it: a BAR whose memory decoding is off or whose device sleeps (Linux 5.8 and later), or RAM whose host memory is gone',
    remedies: {
      guest: ['memory decoding on before the driver uses the BAR'],
      qemu: ['x-no-mmap=on shows whether the mmap of a BAR is the cause'],
    },
  },
  {
    id: 'kvm-run-not-emulated',
    pattern: /kvm run failed Function not implemented/,
    severity: 'fatal',
    verdict: 'fatal: the virtual CPU stops',
    limit: 'access to trapped memory',
    why: 'ENOSYS: on arm64 an instruction touched trapped memory, and the CPU does not say which value goes where (a pair of registers, a SIMD register, a cache operation). On a BAR the bytes beside an MSI-X table are such memory',
    remedies: {
      guest: ['a driver that uses single loads and stores on registers'],
      qemu: [
        'x-msix-relocation=barN frees the pages of the table; explain on `lspci -vv` shows which bytes are trapped',
      ],
    },
  },
  {
    id: 'kvm-internal-error',
    pattern: /KVM internal error\.? Suberror: ?\d+/,
    severity: 'fatal',
    verdict: 'fatal: the virtual CPU stops',
    limit: 'emulation of an instruction',
    why: 'KVM could not go on with the guest. Suberror 1: an instruction that KVM cannot emulate, often because the guest runs code from, or uses SIMD on, memory that is trapped or not there. Others say nothing about a BAR',
    remedies: {
      qemu: ['the registers under the line: `info mtree -f` tells what lies at RIP and at the address used'],
    },
  },
  {
    id: 'region-access-failed',
    pattern: /vfio_region_(?:read|write)\(.*failed|vfio: Error .*(?:reading|writing) .*BAR/i,
    severity: 'goes on',
    verdict: 'not fatal: the guest reads all ones, or the write is lost',
    limit: 'access to a BAR',
    why: 'the kernel refused a trapped access: memory decoding off, the device in a low-power state or gone, or the offset beyond the BAR',
    remedies: { host: ['dmesg: power state, AER, and resets of the device'] },
  },
];

export const QEMU_RULES = [...DMA, ...BARS].map(plainRule);
