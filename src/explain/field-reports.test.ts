import { expect, it } from 'vitest';
import { explain } from './index.ts';

/**
 * Public reports of 2011 to 2026, each by the lines that its reporter gave, and the words of the limit that was crossed.
 * Host addresses in the lines are invented where they say nothing.
 */
const REPORTS: readonly (readonly [report: string, text: string, limit: string])[] = [
  [
    'qemu-devel 2018: a ConnectX-4 on an arm64 host with pages of 64 KiB',
    'qemu-system-aarch64: VFIO_MAP_DMA: -22\nqemu-system-aarch64: vfio_dma_map(0x1e265f60, 0x8000000000, 0x2000,\n0xffff7b400000) = -22 (Invalid argument)\nqemu: hardware error: vfio: DMA mapping failed, unable to continue',
    'alignment',
  ],
  [
    'Proxmox 2024: a GPU at 56 TiB, with much RAM',
    'Jun 04 07:25:13 pve1 QEMU[3989106]: kvm: vfio_dma_map(0x5e043daea2f0, 0x380010000000, 0x2000000, 0x771a6ce00000) = -22 (Invalid argument)\nJun 04 07:25:13 pve1 QEMU[3989106]: kvm: VFIO_MAP_DMA failed: Invalid argument',
    'IOMMU width',
  ],
  [
    'kata 2026: a GPU at 14 TiB',
    'qemu-system-x86_64: vfio_container_dma_map(0x5555685b7190, 0xe0e00000000, 0x10000000, 0x714d50000000) = -22 (Invalid argument)\n0000:01:00.0: PCI peer-to-peer transactions on BARs are not supported.',
    'IOMMU width',
  ],
  [
    'r/VFIO 2026: the 16 GiB BAR of a GPU at 56 TiB',
    'vfio_container_dma_map(0x55da3da99aa0, 0x382800000000, 0x400000000, 0x7fb440000000) = -22 (Invalid argument)',
    'IOMMU width',
  ],
  [
    'Looking Glass 2025: the shared memory of ivshmem at 56 TiB',
    'qemu-system-x86_64: vfio_container_dma_map(0x55555a4dd2c0, 0x382000000000, 0x10000000, 0x7fffd0000000) = -22 (Invalid argument)',
    'IOMMU width',
  ],
  [
    'unvme 2016: a driver in user space above 39 bits',
    '[429200.701588] intel_iommu_map: iommu width (39) is not sufficient for the mapped address (8800001000)',
    'IOMMU width',
  ],
  [
    'Proxmox 2024: a BAR at 2^46, and its neighbour below',
    'Oct 01 08:04:49 myhost QEMU[1019150]: kvm: vfio_container_dma_map(0x5ae448831540, 0x3ffc00000000, 0x400000000, 0x706d10000000) = -22 (Invalid argument) \nOct 01 08:04:49 myhost QEMU[1019150]: kvm: VFIO_MAP_DMA failed: Invalid argument \nOct 01 08:04:49 myhost QEMU[1019150]: kvm: kvm_set_user_memory_region: KVM_SET_USER_MEMORY_REGION failed, slot=10, start=0x400000000000, size=0x2000000: Invalid argument \nOct 01 08:04:49 myhost QEMU[1019150]: kvm_set_phys_mem: error registering slot: Invalid argument',
    'CPU width',
  ],
  [
    '2023: a 64-bit BAR sized with memory decoding on',
    'kvm_set_user_memory_region: KVM_SET_USER_MEMORY_REGION failed, slot=11, start=0xfffffffffe000000, size=0x2000: Invalid argument',
    'CPU width',
  ],
  [
    'asterinas 2026: a kernel that sizes BARs with memory decoding on',
    'qemu-system-x86_64: kvm_set_user_memory_region: KVM_SET_USER_MEMORY_REGION failed, slot=11, start=0xffffffff00000000, size=0x10000000: Invalid argument\nkvm_set_phys_mem: error registering slot: Invalid argument',
    'CPU width',
  ],
  [
    '2026: QEMU 11.1.1 and a BAR at an address of 64 bits',
    'kvm_set_user_memory_region: KVM_SET_USER_MEMORY_REGION failed, slot=7, start=0x8508000000000000, size=0x1000: Invalid argument',
    'CPU width',
  ],
  [
    'a laptop with 39 bits, and a slot at 1 TiB',
    'kvm_set_user_memory_region: KVM_SET_USER_MEMORY_REGION failed, slot=7, start=0x10000000000, size=0x1000: Invalid argument',
    'CPU width',
  ],
  [
    'libvfio-user 2021: two regions at one address',
    'qemu-system-x86_64: kvm_set_user_memory_region: KVM_SET_USER_MEMORY_REGION failed, slot=10, start=0xfebd1000, size=0x1000: File exists',
    'overlap',
  ],
  [
    'kata 2025: RAM of 1.9 TiB and 40 bits',
    'qemu-system-x86_64: warning: Host physical bits (48) does not match phys-bits property (40)\nqemu-system-x86_64: Address space limit 0xffffffffff < 0x2fd3fffffff phys-bits too low (40)',
    'CPU width',
  ],
  [
    'an AMD host and RAM over HyperTransport',
    'qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio 0000:01:00.0: failed to setup container for group 1: memory listener initialization failed: Region pc.ram: vfio_dma_map(0x55d1, 0x100000000, 0xff30000000, 0x7ed000000000) = -22 (Invalid argument)',
    'reserved range',
  ],
  [
    'kata 2024: RAM of a DIMM that cannot be pinned',
    'ctr: failed to create shim task: QMP command failed: vfio 0000:17:00.0: failed to setup container for group 57: memory listener initialization failed: Region dimm1: vfio_dma_map(0x3ea4e990, 0x40000000, 0x500000000, 0xfffaa3fff000) = -14 (Bad address): unknown',
    'pinning',
  ],
  [
    'docker 2026: RAM that may not be locked',
    'ERROR: qemu-system-x86_64: -device vfio-pci,host=0000:04:00.2,multifunction=on: vfio 0000:04:00.2: failed to setup container for group 39: memory listener initialization failed: Region pc.ram: vfio_container_dma_map(0x55d161902480, 0x0, 0x80000000, 0x7fb94be00000) = -12 (Cannot allocate memory)',
    'lock limit',
  ],
  [
    'Docker-OSX 2023: the message of an older QEMU',
    'qemu-system-x86_64: VFIO_MAP_DMA failed: Cannot allocate memory',
    'lock limit',
  ],
  ['kata 2025: a TDX guest', 'VFIO_MAP_DMA failed: No space left on device', 'number of mappings'],
  [
    'nvtrust 2024: a confidential guest of 126 GB',
    "qemu-system-x86_64: -device vfio-pci,host=b0:00.0,bus=pci.1: warning: vfio_register_ram_discard_listener: possibly running out of DMA mappings. E.g., try increasing the 'block-size' of virtio-mem devies. Maximum possible DMA mappings: 65535, Maximum possible memslots: 32764",
    'number of mappings',
  ],
  [
    'kata 2026: iommufd and the BAR of a GPU',
    'qemu-system-x86_64: warning: IOMMU_IOAS_MAP failed: Bad address, PCI BAR?\nqemu-system-x86_64: vfio_container_dma_map(0x555557d1e1f0, 0x386000000000, 0x2000000000, 0x7ed000000000) = -14 (Bad address)',
    'BAR by address',
  ],
  [
    'cloud-hypervisor 2023: arm64 with pages of 64 KiB',
    'Error booting VM: VmBoot(DeviceManager(AddVfioDevice(CreateUserMemoryRegion(SetUserMemoryRegion(Invalid argument (os error 22))))))',
    'alignment',
  ],
  [
    'kata 2024: two GPUs at one address',
    'level=error msg="failed to hotplug VFIO device" error="Failed to hotplug device &{ID:vfio-a0d9d2f794dd731d0 BDF:0000:19:00.0} error: 500  reason: Error from device manager: VfioMapRegion(DmaMap(IommuDmaMap(Error(17))))"',
    'overlap',
  ],
  [
    'cloud-hypervisor 2024: a GPU whose BAR cannot move',
    'Failed moving device BAR: failed allocating new MMIO range: 0xe7f00000->0x0(0x80000)',
    'PCI window',
  ],
  [
    'Proxmox 2025: a GPU, and no numbers',
    'kvm: VFIO_MAP_DMA failed: Invalid argument',
    'alignment, IOMMU width, or a reserved range',
  ],
  [
    'RVVM 2025: a GPU with a large BAR',
    "pci 0000:00:01.0: BAR 1 [mem size 0x400000000 64bit pref]: can't assign; no space",
    'PCI window',
  ],
  [
    'a TPM beside a passed-through device',
    'vfio_listener_region_add received unaligned region tpm-crb-cmd iova=0xfed40080 offset_within_region=0x0 qemu_real_host_page_size=0x1000',
    'alignment',
  ],
  [
    'a device whose table and PBA overlap',
    "vfio 0000:65:00.0: failed to add PCI capability 0x11[0x70]@0xb0: table & pba overlap, or they don't fit in BARs, or don't align",
    'MSI-X layout',
  ],
  [
    'a device whose PBA lies beyond its BAR',
    'vfio 0000:02:00.0: hardware reports invalid configuration, MSIX PBA outside of specified BAR',
    'MSI-X layout',
  ],
  [
    'a GPU whose BAR the console of the host holds',
    'vfio-pci 0000:0b:00.0: BAR 0: can’t reserve [mem 0xe0000000-0xefffffff 64bit pref]\nFailed to mmap 0000:0b:00.0 BAR 0. Performance may be slow',
    'mmap of the BAR',
  ],
  [
    'POWER: a BAR outside of the window',
    "qemu-system-ppc64: Container 0x1001f3a05a0 can't map guest IOVA region 0x210000000000..0x21000000ffff",
    'DMA window',
  ],
  [
    'a host that reserves memory for a device (RMRR)',
    'vfio-pci 0000:04:00.0: Device is ineligible for IOMMU domain attach due to platform RMRR requirement.  Contact your platform vendor.',
    'reserved range',
  ],
  [
    'linux-kernel 2013: a device that uses an address without a mapping',
    '[ 1692.021403] dmar: DMAR:[DMA Read] Request device [00:02.0] fault addr 1a45aa9000\n[ 1692.021403] DMAR:[fault reason 12] non-zero reserved fields in PTE',
    'address that is not mapped',
  ],
  [
    'a vIOMMU of 48 bits on a host of 39',
    'qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio 0000:01:00.0: Failed to set vIOMMU: aw-bits 48 > host aw-bits 39',
    'IOMMU width',
  ],
];

it.each(REPORTS)('%s: explain names the limit', (_, text, limit) => {
  const { answers } = explain([{ name: 'report', text }]);
  const limits = answers.flatMap((answer) => (answer.kind === 'log' ? [answer.limit] : []));
  expect(limits.join('; ')).toContain(limit);
  expect(limits.join('; ')).not.toContain('unknown');
});

it('with the lspci of the ConnectX-4 beside its line, explain names the BAR and the limit', () => {
  const lspci = `0000:01:00.0 Ethernet controller: Mellanox Technologies MT27700 Family [ConnectX-4]
	Region 0: Memory at 10000000000 (64-bit, prefetchable) [size=32M]
	Capabilities: [9c] MSI-X: Enable+ Count=64 Masked-
		Vector table: BAR=0 offset=00002000
		PBA: BAR=0 offset=00003000
`;
  const { answers } = explain([
    { name: 'log', text: REPORTS[0]![1] },
    { name: 'lspci', text: lspci },
  ]);
  expect(answers.find(({ kind }) => kind === 'log')).toMatchObject({
    limit: 'alignment',
    severity: 'fatal',
    subject: 'BAR 0 of 0000:01:00.0 from offset 0x0 on',
  });
  expect(answers.find(({ kind }) => kind === 'device')).toBeDefined();
});
