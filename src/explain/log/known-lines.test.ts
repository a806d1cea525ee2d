import { describe, expect, it } from 'vitest';
import { explain } from '../index.ts';

/** Lines that QEMU 2.5 to 11.1, libvirt and Linux print; the devices are invented. */
const LINES: readonly (readonly [limit: string, severity: string, line: string])[] = [
  [
    'emulated IOMMU; no address is at fault',
    'fatal',
    'memory listener initialization failed: Region smmuv3-iommu-memory-region-16-0: device 00.02.0 requires iommu MAP notifier which is not currently supported',
  ],
  [
    'lock limit',
    'goes on',
    'vfio_pin_page_external: Task qemu-system-x86 (17861) RLIMIT_MEMLOCK (134217728) exceeded',
  ],
  [
    'CPU width on arm64 (IPA), or memory of QEMU (a memslot; the line has no numbers)',
    'fatal',
    'kvm_set_user_memory_region: failed: Bad address',
  ],
  [
    'CPU width',
    'fatal',
    'qemu-system-x86_64: kvm_set_user_memory_region: KVM_SET_USER_MEMORY_REGION failed, slot=11, start=0xffffffff00000000, size=0x10000000: Invalid argument',
  ],
  [
    'CPU width, or alignment (a memslot; the line has no numbers)',
    'fatal',
    'kvm_set_phys_mem: error registering slot: Invalid argument',
  ],
  [
    'CPU width, or alignment (a memslot; the line has no numbers)',
    'fatal',
    'kvm_set_phys_mem: error registering suffix slot: Invalid argument',
  ],
  [
    'CPU width, or alignment (a memslot; the line has no numbers)',
    'fatal',
    'kvm_set_phys_mem: error unregistering overlapping slot: Invalid argument',
  ],
  [
    'CPU width, or alignment (a memslot; the line has no numbers)',
    'fatal',
    'kvm_set_phys_mem: error unregistering slot: Invalid argument',
  ],
  [
    'CPU width, or alignment (a memslot; the line has no numbers)',
    'fatal',
    'qemu-system-x86_64: KVM_SET_USER_MEMORY_REGION failed: Invalid argument',
  ],
  ['DMA window', 'fatal', 'Failed to create a window, ret = -1: No space left on device'],
  ['DMA window', 'fatal', 'VFIO_IOMMU_SPAPR_TCE_GET_INFO failed: Invalid argument'],
  ['DMA window', 'fatal', "host doesn't support page size 0x1000000, the supported mask is 0x11000"],
  [
    'I/O devices of KVM',
    'fatal',
    'qemu: kvm_mem_ioeventfd_add: error adding ioeventfd: No space left on device (28)',
  ],
  [
    'IOMMU group (ACS); no address is at fault',
    'fatal',
    'internal error: Device 0000:01:00.0 is behind a switch lacking ACS and cannot be assigned',
  ],
  [
    'IOMMU group; no address is at fault',
    'fatal',
    'EAL: 0000:01:00.0 VFIO group is not viable! Not all devices in IOMMU group bound to VFIO or unbound',
  ],
  [
    'IOMMU group; no address is at fault',
    'fatal',
    'Please ensure all devices within the iommu_group are bound to their vfio bus driver.',
  ],
  [
    'IOMMU group; no address is at fault',
    'fatal',
    'qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio 0000:01:00.0: group 1 is not viable',
  ],
  [
    'IOMMU group; no address is at fault',
    'fatal',
    'vfio 0000:01:00.0: group 5 used in multiple address spaces',
  ],
  [
    'IOMMU group; no address is at fault',
    'fatal',
    'vfio: error, group 1 is not viable, please ensure all devices within the iommu_group are bound to their vfio bus driver.',
  ],
  [
    'IOMMU model; no address is at fault',
    'fatal',
    'qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio 0000:01:00.0: failed to setup container for group 1: No available IOMMU models',
  ],
  ['IOMMU model; no address is at fault', 'fatal', 'vfio: No available IOMMU models'],
  ['IOMMU width', 'fatal', 'vfio 0000:01:00.0: Failed to set vIOMMU: aw-bits 57 > host aw-bits 39'],
  [
    'IOMMU, device that does not answer; no address is at fault',
    'goes on',
    'AMD-Vi: Completion-Wait loop timed out',
  ],
  [
    'IOMMU, device that does not answer; no address is at fault',
    'goes on',
    'DMAR: VT-d detected Invalidation Time-out Error: SID 0',
  ],
  ['IOMMU; no address is at fault', 'fatal', 'DMAR: IOMMU disabled'],
  ['IOMMU; no address is at fault', 'fatal', 'Failed to get VFIO IOMMU info: Invalid argument'],
  [
    'IOMMU; no address is at fault',
    'fatal',
    "error: operation failed: host doesn't support VFIO PCI passthrough",
  ],
  [
    'IOMMU; no address is at fault',
    'fatal',
    'error: unsupported configuration: VFIO PCI device assignment is not supported by this version of QEMU',
  ],
  [
    'IOMMU; no address is at fault',
    'fatal',
    "error: unsupported configuration: host doesn't support passthrough of host PCI devices",
  ],
  ['IOMMU; no address is at fault', 'fatal', 'iommufd: IOMMU_IOAS_ALLOC failed: No such device'],
  [
    'IOMMU; no address is at fault',
    'fatal',
    'vfio 0000:01:00.0: [iommufd=12] error attach 0000:01:00.0 (33) to id=7: Invalid argument',
  ],
  [
    'IOMMU; no address is at fault',
    'fatal',
    'vfio 0000:01:00.0: failed to setup container for group 1: Failed to set group container: Device or resource busy',
  ],
  [
    'IOMMU; no address is at fault',
    'fatal',
    'vfio 0000:01:00.0: failed to setup container for group 1: Failed to set iommu for container: Invalid argument',
  ],
  [
    'IOMMU; no address is at fault',
    'fatal',
    'vfio 0000:01:00.0: no iommu_group found: No such file or directory',
  ],
  ['IOMMU; no address is at fault', 'fatal', 'vfio: Cannot get IOVA ranges: Invalid argument'],
  ['IOMMU; no address is at fault', 'fatal', 'vfio: error no iommu_group for device'],
  ['IOMMU; no address is at fault', 'fatal', 'vfio: failed to get group 1'],
  ['IOMMU; no address is at fault', 'fatal', 'vfio: failed to setup container for group 1'],
  ['IOMMU; no address is at fault', 'fatal', 'vfio: supported vfio version: 0, reported version: 1'],
  ['KVM; no address is at fault', 'fatal', 'Could not access KVM kernel module: No such file or directory'],
  [
    'MSI-X table',
    'fatal',
    "qemu-system-x86_64: ../hw/pci/msix.c:227: msix_table_mmio_write: Assertion `addr + size <= dev->msix_entries_nr * PCI_MSIX_ENTRY_SIZE' failed.",
  ],
  [
    'PCI Express error; no address is at fault',
    'depends',
    'pcieport 0000:00:01.0: AER: Uncorrected (Fatal) error received: 0000:00:01.0',
  ],
  [
    'PCI Express error; no address is at fault',
    'depends',
    'vfio-pci 0000:01:00.0: PCIe Bus Error: severity=Uncorrected (Fatal), type=Transaction Layer',
  ],
  [
    'PCI capability',
    'fatal',
    '0000:01:00.0 Attempt to add PCI capability 11 at offset 70 overlaps existing capability 10 at offset 60',
  ],
  ['PCI slots of the guest; no address is at fault', 'fatal', "Bus 'pcie.0' does not support hotplugging"],
  ['PCI slots of the guest; no address is at fault', 'fatal', "No 'PCI' bus found for device 'vfio-pci'"],
  [
    'PCI slots of the guest; no address is at fault',
    'fatal',
    "PCI: single function device can't be populated in function 2.1",
  ],
  [
    'PCI slots of the guest; no address is at fault',
    'fatal',
    'PCI: slot 1 function 0 not available for vfio-pci, in use by e1000,id=(null)',
  ],
  [
    'PCI slots of the guest; no address is at fault',
    'fatal',
    'error: internal error: No more available PCI slots',
  ],
  ['PCI window', 'goes on', 'NVRM: This PCI I/O region assigned to your NVIDIA device is invalid:'],
  ['PCI window', 'goes on', 'ixgbe 0000:01:00.0: not enough MMIO resources for SR-IOV'],
  [
    'PCI window of 64 bits',
    'goes on',
    'pci 0000:01:00.0: BAR 15: no space for [mem size 0x400000000 64bit pref]',
  ],
  [
    'PCI window of 64 bits',
    'goes on',
    "pci 0000:01:00.0: VF BAR 0 [mem size 0x00100000 64bit pref]: can't assign; no space",
  ],
  [
    'PCI window below 4 GiB',
    'goes on',
    "pci 0000:01:00.0: bridge window [mem size 0x00200000]: can't assign; no space",
  ],
  [
    'PCI window',
    'goes on',
    "pci 0000:01:00.0: can't claim BAR 0 [mem 0xe0000000-0xefffffff 64bit pref]: no compatible bridge window",
  ],
  [
    'PCI window',
    'goes on',
    "pci 0000:01:00.0: can't claim BAR 6 [mem 0xfff80000-0xffffffff pref]: address conflict with PCI Bus",
  ],
  [
    'PCI window',
    'goes on',
    'pci_bus 0000:01: Some PCI device resources are unassigned, try booting with pci=realloc',
  ],
  ['ROM of the device; no address is at fault', 'depends', 'failed to find romfile "/vbios.rom"'],
  [
    'access to /dev/vfio; no address is at fault',
    'fatal',
    'apparmor="DENIED" operation="open" profile="libvirt-1" name="/dev/vfio/1" pid=1 comm="qemu-system-x86"',
  ],
  [
    'access to /dev/vfio; no address is at fault',
    'fatal',
    "internal error: unable to open '/dev/vfio/1': Permission denied",
  ],
  [
    'access to /dev/vfio; no address is at fault',
    'fatal',
    'qemu-system-x86_64: -object iommufd,id=iommufd0: Cannot open /dev/iommu: No such file or directory',
  ],
  [
    'access to /dev/vfio; no address is at fault',
    'fatal',
    'vfio 0000:01:00.0: Failed to open /dev/vfio/devices/vfio0',
  ],
  [
    'access to /dev/vfio; no address is at fault',
    'fatal',
    'vfio 0000:01:00.0: failed to find vfio-dev/vfioX/dev',
  ],
  ['access to /dev/vfio; no address is at fault', 'fatal', 'vfio: Error: cannot create iommufd'],
  ['access to a BAR or to RAM', 'fatal', 'error: kvm run failed Bad address'],
  [
    'address of the device on the host',
    'fatal',
    'error: device not found: Device 0000:01:00.0 not found: could not access /sys/bus/pci/devices/0000:01:00.0/config: No such file or directory',
  ],
  [
    'address of the device on the host',
    'fatal',
    'vfio 0000:01:00.0: no such host device: No such file or directory',
  ],
  ['address of the device on the host', 'fatal', "vfio 0000:01:00.0: this isn't a PCI device"],
  ['address of the device on the host', 'fatal', 'vfio 0000:01:00.0: unexpected number of io regions 0'],
  ['address of the device on the host', 'fatal', 'vfio: error: no such host device: 0000:01:00.0'],
  ['address space of the vIOMMU', 'goes on', 'Wrong target AS "none", only system memory is allowed'],
  ['alignment', 'goes on', 'qemu-system-x86_64: vfio_listener_region_add received unaligned region'],
  [
    'build of QEMU',
    'fatal',
    "qemu-system-x86_64: -device vfio-pci,host=01:00.0: 'vfio-pci' is not a valid device model name",
  ],
  [
    'device in use; no address is at fault',
    'fatal',
    'Requested operation is not valid: PCI device 0000:01:00.0 is in use by driver QEMU, domain win10',
  ],
  ['device in use; no address is at fault', 'fatal', 'vfio 0000:01:00.0: device is already attached'],
  [
    'device in use; no address is at fault',
    'fatal',
    'vfio 0000:01:00.0: error bind device fd=33 to iommufd=12: Device or resource busy',
  ],
  ['device in use; no address is at fault', 'fatal', 'vfio: error: device 0000:01:00.0 is already attached'],
  ['driver of the device; no address is at fault', 'fatal', 'VFIO_GROUP_GET_DEVICE_FD failed'],
  [
    'driver of the device; no address is at fault',
    'fatal',
    'Verify all devices in group 1 are bound to vfio-<bus> or pci-stub and not already in use',
  ],
  [
    'driver of the device; no address is at fault',
    'fatal',
    "error: Failed to bind PCI device '0000:01:00.0' to vfio-pci: No such device",
  ],
  [
    'driver of the device; no address is at fault',
    'fatal',
    "internal error: Failed to add PCI device ID '10de 13c2' to vfio-pci",
  ],
  [
    'driver of the device; no address is at fault',
    'fatal',
    'qemu-system-x86_64: -device vfio-pci,host=0000:01:00.0: vfio 0000:01:00.0: error getting device from group 1: No such device',
  ],
  [
    'driver of the device; no address is at fault',
    'fatal',
    'qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio: error getting device 0000:01:00.0 from group 1: Invalid argument',
  ],
  [
    'driver of the device; no address is at fault',
    'fatal',
    'vfio-pci 0000:01:00.0: probe with driver vfio-pci failed with error -16',
  ],
  [
    'driver of the device; no address is at fault',
    'fatal',
    'vfio-pci: probe of 0000:01:00.0 failed with error -22',
  ],
  [
    'fault of QEMU in its code for KVM',
    'fatal',
    'Bail out! ERROR:../accel/kvm/kvm-all.c:1468:kvm_mem: assertion failed: (x)',
  ],
  [
    'fault of QEMU in its code for VFIO',
    'fatal',
    'ERROR:../hw/vfio/common.c:1011:vfio_listener_region_add: assertion failed: (memory_region_is_ram(mr))',
  ],
  [
    'fault of QEMU in its code for VFIO',
    'fatal',
    "qemu-system-ppc64: ../hw/vfio/spapr.c:200: vfio_spapr_container_add_section_window: Assertion `0' failed.",
  ],
  [
    'fault of QEMU: a region is put into the memory map twice',
    'fatal',
    "qemu-system-x86_64: ../softmmu/memory.c:2408: memory_region_add_subregion_common: Assertion `!subregion->container' failed.",
  ],
  [
    'fault of QEMU: a region is removed from a container that does not hold it',
    'fatal',
    "qemu-system-x86_64: ../system/memory.c:2742: memory_region_del_subregion: Assertion `subregion->container == mr' failed.",
  ],
  [
    'fault of QEMU: the order in which regions are released',
    'fatal',
    "qemu-system-x86_64: ../system/memory.c:1825: memory_region_finalize: Assertion `!mr->container' failed.",
  ],
  [
    'fault of QEMU; the line does not say of which part',
    'fatal',
    'qemu-system-x86[1234]: segfault at 8 ip 000055d1c8e4bb50 sp 00007ffd error 4 in qemu-system-x86_64',
  ],
  [
    'interrupt pin (INTx); no address is at fault',
    'fatal',
    "qemu-system-x86_64: ../hw/pci/pci.c:1477: pci_irq_handler: Assertion `0 <= irq_num && irq_num < PCI_NUM_PINS' failed.",
  ],
  [
    'interrupt remapping; no address is at fault',
    'fatal',
    'vfio_iommu_type1_attach_group: No interrupt remapping support.  Use the module param "allow_unsafe_interrupts" to enable VFIO IOMMU support on this platform',
  ],
  [
    'interrupts; no address is at fault',
    'fatal',
    'qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio 0000:01:00.0: Failed to set up TRIGGER eventfd signaling for interrupt INTX-0: VFIO_DEVICE_SET_IRQS failure: Device or resource busy',
  ],
  [
    'interrupts; no address is at fault',
    'fatal',
    'qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio error: 0000:01:00.0: failed to setup INTx fd: Operation not permitted',
  ],
  ['interrupts; no address is at fault', 'fatal', 'vfio: Error: Failed to enable INTx eventfd'],
  ['interrupts; no address is at fault', 'fatal', 'vfio: Error: Failed to setup INTx fd: Invalid argument'],
  [
    'interrupts; no address is at fault',
    'goes on',
    'DMAR: [INTR-REMAP] Request device [01:00.0] fault index 1d [fault reason 38] Blocked an interrupt request due to source-id verification failure',
  ],
  [
    'interrupts; no address is at fault',
    'goes on',
    'irq 16: nobody cared (try booting with the "irqpoll" option)',
  ],
  [
    'interrupts; no address is at fault',
    'goes on',
    'vfio 0000:01:00.0: failed to setup resample irqfd: Invalid argument',
  ],
  ['interrupts; no address is at fault', 'goes on', 'vfio-pci 0000:01:00.0: Masking broken INTx support'],
  [
    'interrupts; no address is at fault',
    'goes on',
    'vfio: Error: Failed to disable INTx irqfd: No such file or directory',
  ],
  [
    'interrupts; no address is at fault',
    'goes on',
    'vfio: Error: Failed to enable 8 MSI vectors, retry with 1',
  ],
  ['interrupts; no address is at fault', 'goes on', 'vfio: Error: Failed to setup MSI fds: Invalid argument'],
  [
    'interrupts; no address is at fault',
    'goes on',
    'vfio: Error: Failed to setup resample irqfd: Invalid argument',
  ],
  ['interrupts; no address is at fault', 'goes on', 'vfio: failed to enable MSI-X, -22'],
  ['interrupts; no address is at fault', 'goes on', 'vfio: failed to enable vectors, -28'],
  ['interrupts; no address is at fault', 'goes on', 'vfio: msix_set_vector_notifiers failed'],
  [
    'kind of the device; no address is at fault',
    'fatal',
    'internal error: Non-endpoint PCI devices cannot be assigned to guests',
  ],
  [
    'kind of the device; no address is at fault',
    'fatal',
    'vfio 0000:00:1c.0: assignment of PCIe type 0x4 devices is not currently supported',
  ],
  [
    'lock limit',
    'fatal',
    'error: internal error: Process exited prior to exec: libvirt:  error : cannot limit locked memory to 9663676416: Operation not permitted',
  ],
  ['lock limit', 'fatal', 'unable to set memory locking limit: Operation not permitted'],
  ['lock limit', 'fatal', 'vfio_pin_pages_remote: RLIMIT_MEMLOCK (65536) exceeded'],
  [
    'memory of the host',
    'fatal',
    "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory",
  ],
  ['memslot; the line has no numbers', 'fatal', 'kvm: error -22 registering slot'],
  [
    'mmap of the BAR',
    'goes on',
    "vfio-pci 0000:01:00.0: BAR 1: can't reserve [mem 0xc0000000-0xcfffffff 64bit pref]",
  ],
  [
    'none named: the line says only that QEMU ended',
    'fatal',
    'error: internal error: qemu unexpectedly closed the monitor',
  ],
  [
    'none: no address is at fault',
    'goes on',
    'kvm_vfio: Failed to add group 12 to KVM VFIO device: Invalid argument',
  ],
  [
    'none: no address is at fault',
    'harmless',
    'vfio-pci 0000:01:00.0: Invalid PCI ROM header signature: expecting 0xaa55, got 0xffff',
  ],
  [
    'none: the device was reset behind the back of vfio-pci',
    'harmless',
    'vfio-pci 0000:01:00.0: vfio_bar_restore: reset recovery - restoring BARs',
  ],
  [
    'none: the device was reset behind the back of vfio-pci',
    'harmless',
    'vfio-pci 0000:01:00.0: vfio_bar_restore: reset recovery - restoring bars',
  ],
  [
    'number of sections of a memory map',
    'fatal',
    "qemu-system-x86_64: ../system/physmem.c:1220: phys_section_add: Assertion `map->sections_nb < TARGET_PAGE_SIZE' failed.",
  ],
  ['number of slots', 'fatal', 'qemu-kvm: kvm_alloc_slot: no free slot available'],
  [
    'option of this release',
    'fatal',
    "qemu-system-x86_64: -device vfio-pci,host=01:00.0,foo=1: Property '.foo' not found",
  ],
  [
    'option of this release',
    'fatal',
    "qemu-system-x86_64: -device vfio-pci,host=01:00.0,foo=1: Property 'vfio-pci.foo' not found",
  ],
  [
    'overlap (a memslot; the line has no numbers)',
    'fatal',
    'kvm_set_phys_mem: error registering prefix slot: File exists',
  ],
  [
    'power state; no address is at fault',
    'fatal',
    "internal error: Unknown PCI header type '127' for device '0000:01:00.0'",
  ],
  ['power state; no address is at fault', 'goes on', 'kvm: vfio: Unable to power on device, stuck in D3'],
  [
    'power state; no address is at fault',
    'goes on',
    'vfio-pci 0000:01:00.0: Refused to change power state, currently in D3',
  ],
  [
    'power state; no address is at fault',
    'goes on',
    'vfio-pci 0000:01:00.0: Unable to change power state from D3cold to D0, device inaccessible',
  ],
  [
    'reserved range',
    'goes on',
    'AMD-Vi: Event logged [INVALID_DEVICE_REQUEST device=0a:00.0 pasid=0x00000 address=0xfffffffdf8000000 flags=0x0a00]',
  ],
  [
    'reserved range',
    'goes on',
    'AMD-Vi: Event logged [IO_PAGE_FAULT device=0a:00.0 domain=0x0019 address=0xfffffffdf8000000 flags=0x0008]',
  ],
  [
    'reset; no address is at fault',
    'fatal',
    'internal error: Unable to reset PCI device 0000:01:00.0: internal error: Active 0000:01:00.1 devices on bus with 0000:01:00.0, not doing bus reset',
  ],
  ['reset; no address is at fault', 'goes on', 'vfio-pci 0000:01:00.0: not ready 1023ms after FLR; waiting'],
  [
    'reset; no address is at fault',
    'goes on',
    'vfio-pci 0000:01:00.0: not ready 65535ms after FLR; giving up',
  ],
  [
    'reset; no address is at fault',
    'goes on',
    'vfio-pci 0000:01:00.0: timed out waiting for pending transaction; performing function level reset anyway',
  ],
  [
    'see the line before',
    'fatal',
    "qemu-system-x86_64: -device vfio-pci,host=01:00.0: Device 'vfio-pci' could not be initialized",
  ],
  [
    'see the line before',
    'fatal',
    'qemu-system-x86_64: -device vfio-pci,host=01:00.0: Device initialization failed.',
  ],
  [
    'see the line of the refused map',
    'fatal',
    'qemu: hardware error: vfio: DMA mapping failed, unable to continue',
  ],
  ['see the line of the refused map', 'fatal', 'vfio: DMA mapping failed, unable to continue'],
  [
    'see the line with the address',
    'goes on',
    'AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0a:00.0 address=0xfffffffdf8000000 flags=0x0a00]',
  ],
  ['see the line with the address', 'goes on', 'DMAR: DRHD: handling fault status reg 2'],
  [
    'size of a region: 2^64',
    'fatal',
    "qemu-system-x86_64: /build/qemu/include/qemu/int128.h:22: int128_get64: Assertion `r == a' failed.",
  ],
  ['size of the BAR', 'fatal', 'ERROR: PCI region size must be pow2 type=0x0, size=0x1800'],
  [
    'size of the BAR',
    'fatal',
    "qemu-system-x86_64: ../hw/pci/pci.c:1489: pci_register_bar: Assertion `is_power_of_2(size)' failed.",
  ],
  [
    'size of the BAR',
    'fatal',
    "qemu-system-x86_64: /build/qemu-2.5/hw/pci/pci.c:1045: pci_register_bar: Assertion `!(size & (size-1))' failed.",
  ],
  [
    'unknown: barproof does not know this message',
    'depends',
    'vfio 0000:01:00.0: Failed to add NVIDIA GPUDirect cap: error',
  ],
  [
    'unknown: barproof does not know this message',
    'depends',
    'vfio 0000:01:00.0: failed to frobnicate the device: Device or resource busy',
  ],
  [
    'unknown: barproof does not know this message',
    'fatal',
    'qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio 0000:01:00.0: cannot frobnicate: Invalid argument',
  ],
  [
    'value of an option',
    'fatal',
    "qemu-system-x86_64: -device vfio-pci,host=foo: Property 'vfio-pci.host' doesn't take value 'foo'",
  ],
  ['what the kernel tells of the device', 'depends', 'device does not support requested feature x-vga'],
  [
    'what the kernel tells of the device',
    'depends',
    'vfio 0000:01:00.0: failed getting region info for VGA region index 8: Invalid argument',
  ],
  [
    'what the kernel tells of the device',
    'depends',
    'vfio 0000:01:00.0: failed to get region 0 info: Invalid argument',
  ],
  [
    'what the kernel tells of the device',
    'depends',
    'vfio 0000:01:00.0: failed to read device config space: Input/output error',
  ],
  ['what the kernel tells of the device', 'depends', 'vfio: Failed to read BAR 0: Input/output error'],
  [
    'what the kernel tells of the device',
    'depends',
    'vfio: hot reset info failed: Inappropriate ioctl for device',
  ],
];

describe('explain says of the line whether it is fatal and whose limit it is, and if fatal, what can be changed:', () => {
  it.each(LINES.map(([limit, severity, line]) => [line, limit, severity]))('%s', (line, limit, severity) => {
    const { answers } = explain([{ name: 'text', text: line }]);
    expect(answers).toMatchObject([{ kind: 'log', limit, severity, text: line }]);
    const [finding] = answers;
    if (finding?.kind !== 'log') throw new Error('no finding');
    if (severity === 'fatal') expect(Object.values(finding.remedies).flat()).not.toEqual([]);
  });
});
