/** A version of QEMU as a number that can be compared: 1101 for 11.1. */
export type QemuVersion = number;

/** A file and function of QEMU, by version: functions move between files. */
export type QemuPlace = (version: QemuVersion) => string;

/** From 10.1 on the DMA listener has a file of its own; up to then everything common was in one. */
const LISTENER_FILE: QemuVersion = 1001;
/** `memory.c` moved to `softmmu` in 5.2, and to `system` in 8.2. */
const [SOFTMMU, SYSTEM]: readonly [QemuVersion, QemuVersion] = [502, 802];
/** vfio_get_section_iova_range is a function of its own since 8.0. */
const SECTION_RANGE: QemuVersion = 800;
/** The windows of sPAPR left the common code in 9.0. */
const SPAPR_WINDOWS: QemuVersion = 900;

const fixed =
  (text: string): QemuPlace =>
  () =>
    text;

/** A function of the DMA listener; `before` is its name up to 10.0. */
const listener =
  (name: string, before = name): QemuPlace =>
  (version) =>
    version < LISTENER_FILE ? `hw/vfio/common.c: ${before}` : `hw/vfio/listener.c: ${name}`;

const regionFile =
  (name: string): QemuPlace =>
  (version) =>
    version < LISTENER_FILE ? `hw/vfio/common.c: ${name}` : `hw/vfio/region.c: ${name}`;

const memory =
  (name: string): QemuPlace =>
  (version) =>
    `${version < SOFTMMU ? '' : version < SYSTEM ? 'softmmu/' : 'system/'}memory.c: ${name}`;

/** `exec.c` moved to `softmmu/physmem.c` in 5.2, and to `system/physmem.c` in 8.2. */
const ACCESS: QemuPlace = (version) =>
  `${version < SOFTMMU ? 'exec.c' : `${version < SYSTEM ? 'softmmu' : 'system'}/physmem.c`}: address_space_translate_internal`;

const pci = (name: string): QemuPlace => fixed(`hw/vfio/pci.c: ${name}`);
const kvm = (name: string): QemuPlace => fixed(`accel/kvm/kvm-all.c: ${name}`);

const REGION_ADD = listener('vfio_container_region_add', 'vfio_listener_region_add');
const REGION_DEL = listener('vfio_listener_region_del');
const TRIM: QemuPlace = (version) =>
  version < SECTION_RANGE ? REGION_ADD(version) : listener('vfio_get_section_iova_range')(version);
const ADD_WINDOW: QemuPlace = (version) =>
  version < SPAPR_WINDOWS
    ? 'hw/vfio/spapr.c: vfio_spapr_create_window'
    : 'hw/vfio/spapr.c: vfio_spapr_container_add_section_window';
const REMOVE_WINDOW: QemuPlace = (version) =>
  version < SPAPR_WINDOWS
    ? 'hw/vfio/common.c: vfio_listener_region_del'
    : 'hw/vfio/spapr.c: vfio_spapr_container_del_section_window';
const REALIZE: QemuPlace = (version) =>
  version < LISTENER_FILE ? 'hw/vfio/pci.c: vfio_realize' : 'hw/vfio/pci.c: vfio_pci_realize';
/** Only since 10.1 QEMU has a vfio-user client, which puts a region of its own over the PBA. */
const REST_OF_PAGE: QemuPlace = (version) =>
  version < LISTENER_FILE
    ? 'hw/vfio/pci.c: vfio_pci_fixup_msix_region'
    : 'hw/vfio-user/pci.c: vfio_user_msix_setup';

/** Where in QEMU each cause is, by the beginning of its fingerprint: the first entry that fits counts. */
export const QEMU_SITES: readonly (readonly [cause: string, place: QemuPlace])[] = [
  ['map-aligned/registration-unaligned', fixed('hw/vfio/spapr.c: vfio_prereg_listener_region_add')],
  ['map-aligned/ram-range-unaligned', TRIM],
  ['map-aligned/ram-off-host-page', TRIM],
  ['map-aligned/', REGION_ADD],
  ['msix-trapped/shadowed-by-', pci('vfio_sub_page_bar_update_mapping')],
  ['msix-trapped/emulat', fixed('hw/pci/msix.c: msix_init')],
  ['msix-trapped/', pci('vfio_msix_setup')],
  ['msix-direct-on-opt-out/rest-of-page-trapped', REST_OF_PAGE],
  ['msix-direct-on-opt-out/', pci('vfio_pci_fixup_msix_region')],
  ['flat-partition/wrong-romd-mode', memory('memory_region_rom_device_set_romd')],
  ['flat-partition/', memory('render_memory_region')],
  ['flat-minimal/', memory('flatview_simplify')],
  ['ram-reachable/unexplained', TRIM],
  ['ram-reachable/wrong-reason', TRIM],
  ['ram-reachable/left-out', TRIM],
  ['ram-reachable/partly-mapped', TRIM],
  ['ram-reachable/not-registered', fixed('hw/vfio/spapr.c: vfio_prereg_listener_region_add')],
  ['ram-reachable/plugged-not-mapped', fixed('hw/virtio/virtio-mem.c: virtio_mem_rdm_register_listener')],
  ['ram-reachable/not-mapped', listener('vfio_listener_skipped_section')],
  ['ram-reachable/', REGION_ADD],
  ['map-matches-view/not-tracked', listener('vfio_dirty_tracking_update_range')],
  ['map-matches-view/tracked-gap', listener('vfio_dirty_tracking_update_range')],
  ['map-matches-view/not-plugged', listener('vfio_ram_discard_notify_discard')],
  ['map-matches-view/', REGION_DEL],
  ['map-unmap-symmetric/overlapping-map', REGION_ADD],
  ['map-unmap-symmetric/failed-unmap-untold', REGION_DEL],
  ['map-unmap-symmetric/left-after-teardown', memory('listener_del_address_space')],
  ['map-unmap-symmetric/', REGION_DEL],
  ['incremental-equals-scratch/bar-mapped-outside-d0', fixed('hw/pci/pci.c: pci_update_mappings')],
  ['incremental-equals-scratch/bar-misplaced', fixed('hw/pci/pci.c: pci_update_mappings')],
  ['incremental-equals-scratch/extra-mapping-at-limit', REGION_ADD],
  ['incremental-equals-scratch/lacking-mapping-at-limit', REGION_ADD],
  ['incremental-equals-scratch/', memory('address_space_update_topology_pass')],
  ['mmio-map-not-fatal/refused-window', ADD_WINDOW],
  ['mmio-map-not-fatal/removal-of-refused-window', REMOVE_WINDOW],
  ['mmio-map-not-fatal/', REGION_ADD],
  ['no-abort/dma-map-', REGION_ADD],
  ['no-abort/dma-window-', ADD_WINDOW],
  ['no-abort/dma-window', REMOVE_WINDOW],
  ['no-abort/memory-registration', fixed('hw/vfio/spapr.c: vfio_prereg_listener_region_add')],
  ['no-abort/memslot-EINVAL-host-address-off-page', kvm('kvm_align_section')],
  ['no-abort/memslot-EINVAL-off-page', kvm('kvm_align_section')],
  ['no-abort/memslot', kvm('kvm_set_phys_mem')],
  ['no-abort/bar-size-assertion', fixed('hw/pci/pci.c: pci_register_bar')],
  ['no-abort/rom-size-assertion', fixed('hw/pci/pci.c: pci_register_bar')],
  ['no-abort/msix-init-segfault', fixed('hw/pci/msix.c: msix_init')],
  ['no-abort/hotplug-refusal-segfault', REALIZE],
  ['no-abort/bars-finalize-segfault', pci('vfio_bars_finalize')],
  ['no-abort/msix-unplug-assertion', memory('memory_region_del_subregion')],
  ['no-abort/eeh-container-cast', fixed('hw/ppc/spapr_pci_vfio.c: vfio_eeh_as_container')],
  ['no-abort/ram-discard-', listener('vfio_ram_discard_register_listener')],
  ['no-abort/relocation-without-msix', pci('vfio_pci_relocate_msix')],
  ['no-abort/quirk-segfault', fixed('hw/vfio/pci-quirks.c: vfio_bar_quirk_setup')],
  ['no-abort/maps-over-own-memory', regionFile('vfio_region_mmap')],
  ['no-abort/sound-device-refused', REALIZE],
  ['no-abort/relocatable-device-refused', REALIZE],
  ['no-abort/ram-over-hyper-transport', fixed('hw/i386/pc.c: pc_memory_init')],
  ['memslot-aligned-disjoint/number-in-use', kvm('kvm_set_phys_mem')],
  ['memslot-aligned-disjoint/overlapping', kvm('kvm_set_phys_mem')],
  ['memslot-aligned-disjoint/not-logged', kvm('kvm_section_update_flags')],
  ['memslot-aligned-disjoint/logged-in-vain', kvm('kvm_section_update_flags')],
  ['memslot-aligned-disjoint/device-memory-logged', kvm('kvm_mem_flags')],
  ['memslot-aligned-disjoint/log-lost', kvm('kvm_set_phys_mem')],
  ['memslot-aligned-disjoint/read-only-bar-writable', regionFile('vfio_region_mmap')],
  ['memslot-aligned-disjoint/mmap-gone', pci('vfio_exitfn')],
  ['memslot-aligned-disjoint/', kvm('kvm_align_section')],
  ['memslot-complete/small-bar-trapped', pci('vfio_sub_page_bar_update_mapping')],
  ['memslot-complete/emulated-without-reason', fixed('hw/vfio/pci-quirks.c: vfio_bar_quirk_setup')],
  ['memslot-complete/', kvm('kvm_set_phys_mem')],
  ['bar-as-hardware/resized-in-vain', pci('vfio_add_ext_cap')],
  ['bar-as-hardware/sized-wrong', fixed('hw/pci/pci.c: pci_register_bar')],
  ['bar-as-hardware/write-lost', fixed('hw/pci/pci.c: pci_default_write_config')],
  ['bar-as-hardware/kept-over-reset', fixed('hw/pci/pci.c: pci_do_device_reset')],
  ['bar-as-hardware/decodes-after-reset', fixed('hw/pci/pci.c: pci_do_device_reset')],
  ['bar-as-hardware/missing-rom', pci('vfio_pci_size_rom')],
  ['bar-as-hardware/rom-not-hidden', pci('vfio_pci_size_rom')],
  ['bar-as-hardware/wrong-rom-size', pci('vfio_pci_size_rom')],
  ['bar-as-hardware/', pci('vfio_bar_prepare')],
  ['no-needless-change/mapped-by-probe', fixed('hw/pci/pci.c: pci_bar_address')],
  ['no-needless-change/', memory('address_space_update_topology_pass')],
  ['resources-bounded/mmaps-left', regionFile('vfio_region_mmap')],
  ['resources-bounded/registration-left', fixed('hw/vfio/spapr.c: vfio_prereg_listener_region_del')],
  ['resources-bounded/', REGION_DEL],
  ['mmap-inside-bar/msix-page', pci('vfio_pci_fixup_msix_region')],
  ['mmap-inside-bar/against-user', regionFile('vfio_region_setup')],
  ['mmap-inside-bar/not-offered', regionFile('vfio_region_setup')],
  ['mmap-inside-bar/', regionFile('vfio_region_mmap')],
  ['msix-capability-consistent/over-live-registers', pci('vfio_pci_relocate_msix')],
  ['msix-capability-consistent/swallows-registers', pci('vfio_pci_relocate_msix')],
  ['msix-capability-consistent/enabled-after-reset', fixed('hw/pci/msix.c: msix_reset')],
  ['msix-capability-consistent/', fixed('hw/pci/msix.c: msix_init')],
  ['access-dispatched/table', fixed('hw/pci/msix.c: msix_table_mmio_ops')],
  ['access-dispatched/pba', fixed('hw/pci/msix.c: msix_pba_mmio_ops')],
  ['access-dispatched/device', regionFile('vfio_region_read')],
  ['access-dispatched/mirror', fixed('hw/vfio/pci-quirks.c: vfio_bar_quirk_setup')],
  ['access-dispatched/rom-written', pci('vfio_rom_write')],
  ['access-dispatched/rom-', pci('vfio_rom_read')],
  ['access-dispatched/refused', fixed('hw/vfio/pci-quirks.c: vfio_bar_quirk_setup')],
  ['access-dispatched/', ACCESS],
  ['window-limit/', ADD_WINDOW],
  ['guest-page-reachable/', TRIM],
];

/** Where in cloud-hypervisor each cause is, in the same form. */
export const CLOUD_HYPERVISOR_SITES: readonly (readonly [cause: string, place: string])[] = [
  ['map-aligned/ram-', 'vmm/src/device_manager.rs: DeviceManager::add_vfio_device'],
  ['map-aligned/', 'pci/src/vfio.rs: VfioPciDevice::map_mmio_regions'],
  ['msix-trapped/', 'pci/src/vfio.rs: VfioPciDevice::generate_sparse_areas'],
  ['msix-direct-on-opt-out/', 'pci/src/vfio.rs: VfioPciDevice::generate_sparse_areas'],
  ['ram-reachable/', 'vmm/src/device_manager.rs: DeviceManager::add_vfio_device'],
  ['guest-page-reachable/', 'vmm/src/device_manager.rs: DeviceManager::add_vfio_device'],
  ['map-matches-view/', 'pci/src/vfio.rs: VfioPciDevice::move_bar'],
  ['map-unmap-symmetric/left-after-teardown', 'pci/src/vfio.rs: VfioPciDevice::unmap_mmio_regions'],
  ['map-unmap-symmetric/', 'pci/src/vfio.rs: VfioPciDevice::move_bar'],
  ['incremental-equals-scratch/bar-misplaced', 'vmm/src/device_manager.rs: AddressManager::move_bar'],
  ['incremental-equals-scratch/', 'pci/src/vfio.rs: VfioPciDevice::move_bar'],
  ['mmio-map-not-fatal/', 'pci/src/vfio.rs: VfioPciDevice::map_mmio_regions'],
  ['no-abort/sound-device-refused', 'pci/src/vfio.rs: VfioPciDevice::new'],
  ['no-abort/', 'vmm/src/device_manager.rs: DeviceManager::add_vfio_device'],
  ['memslot-', 'pci/src/vfio.rs: VfioPciDevice::map_mmio_regions'],
  ['bar-as-hardware/sized-wrong', 'pci/src/configuration.rs: PciConfiguration::detect_bar_reprogramming'],
  ['bar-as-hardware/', 'pci/src/vfio.rs: VfioCommon::allocate_bars'],
  ['no-needless-change/', 'pci/src/vfio.rs: VfioPciDevice::move_bar'],
  ['resources-bounded/container-stays-open', 'vmm/src/device_manager.rs: DeviceManager::eject_device'],
  ['resources-bounded/addresses-lost', 'vm-allocator/src/address.rs: AddressAllocator::free'],
  ['resources-bounded/', 'pci/src/vfio.rs: VfioPciDevice::unmap_mmio_regions'],
  ['mmap-inside-bar/', 'pci/src/vfio.rs: VfioPciDevice::map_mmio_regions'],
  ['msix-capability-consistent/', 'pci/src/vfio.rs: VfioCommon::fixup_msix_region'],
  ['access-dispatched/', 'pci/src/vfio.rs: VfioCommon::read_bar'],
  ['flat-', 'vm-allocator/src/address.rs: AddressAllocator::allocate'],
];
