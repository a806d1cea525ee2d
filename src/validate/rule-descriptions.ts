import type { RuleGroup, RulesOf } from './rules.ts';

/**
 * What each rule that a patch may replace decides, in one line. The words are those of the rule's declaration; a test holds
 * them to it.
 */
export const RULE_DESCRIPTIONS: {
  readonly [Group in RuleGroup]: { readonly [Rule in keyof RulesOf<Group>]-?: string };
} = {
  cloudHypervisor: {
    hole: 'The pages around table or PBA that the VMM does not mmap (VfioPciDevice::generate_sparse_areas)',
    mmapLength: 'How many bytes the VMM mmaps for an area (VfioPciDevice::map_mmio_regions)',
    mmapAlignment: 'Alignment in bytes of the host address at which the VMM mmaps an area (MmapRegion::mmap)',
    excludesMmap: 'Whether the user can exclude BARs from mmap (`x_exclude_mmap_bars`)',
    movesEnabledBar:
      "When a BAR moves that the guest programs while memory is enabled: at once, or with the guest's next write to another register",
    undoesRefusedMove:
      "Whether a failed move restores the old address in the allocator and in the BAR's register",
    isProbe:
      "Whether a write to a BAR's registers only asks for the size, and moves nothing (detect_bar_reprogramming)",
    fixUpMsix: 'Table, PBA and size of a BAR that the guest sees (VfioCommon::fixup_msix_region)',
    alignment:
      'Alignment in bytes of the addresses that the VMM hands out for a BAR; a power of two (allocate_bars)',
    allocatedSize:
      'How many bytes of addresses the VMM takes for a BAR, and gives back when the device goes (allocate_bars)',
    allocates: 'From which end of a gap the VMM takes addresses (AddressAllocator)',
    freesAddresses: 'Whether a removed device gives its addresses back',
    movesInAllocator: 'Whether a move asks the allocator for the new addresses and gives the old ones back',
    moveSteps:
      'What a move does with each area of the BAR, in this order; a release does all four (VfioPciDevice::move_bar)',
    removes: 'What the removal of a device takes away of each area, in this order (unmap_mmio_regions)',
    slotNumber: 'The number of the slot of an area or a part of RAM; `unused` is a number that no slot has',
    mapsRam: 'Whether a part of RAM is mapped for DMA when a container is opened (add_vfio_device)',
    barAttributes: "Type and width of a BAR that the VMM reads from the device's register (allocate_bars)",
    barSize: "Bytes of a BAR that the VMM finds by sizing the device's register (allocate_bars)",
    removesAreas:
      'How many areas of each BAR a removal takes away: all of them, or the first (unmap_mmio_regions)',
    slotReuse: 'Which slot a new area gets: the one freed last, or one that was never used',
    mapsDeviceMemory: 'Whether areas of BARs are mapped for DMA, for P2P',
    mapFailure: 'What a refused DMA map of an area leads to (map_mmio_regions)',
    closesContainer: 'Whether the VMM closes the container when the last device is gone (eject_device)',
    emulatesTable: 'Whether trapped accesses to the table reach an emulated one (msix_table_accessed)',
    routesToTable:
      'Whether a trapped access goes to the emulated table rather than to the device (VfioCommon::read_bar)',
    tableAnswers: 'Whether the emulated table carries out the access (MsixConfig::read_table)',
    regionOffset:
      "The offset in the device's BAR at which the VMM carries out other accesses (VfioCommon::read_bar)",
    rebootFreesAddresses: 'Whether a reboot hands out the addresses of BARs anew (vm_reboot)',
    commits: 'When the VMM puts a device on its bus (add_vfio_device)',
  },
  container: {
    shared: 'Which devices share a container; vfio-user devices never do',
    closes: 'When the container of a device that leaves is closed',
    registrationFailure: 'What a refusal of the host during set-up leads to',
    teardown:
      'Whether the listener unmaps before or after the container is closed: then the kernel answers EINVAL',
    space: 'The address space that the DMA listener follows: that of the devices, or system memory',
    listenerPriority: "Priority of the DMA listener; KVM's has 10",
    registersRam: 'sPAPR: whether a section of RAM is registered before it is mapped',
    unalignedRam: 'sPAPR: what becomes of a section of RAM that is not made of whole pages of the host',
    unregistersRam: 'sPAPR: whether removed RAM is unregistered',
    removesDefaultWindow: "sPAPR: whether the kernel's default window is removed at set-up",
    windowSize: 'sPAPR: bytes of the window for a section of so many bytes: all of them in every release',
    windowPageSize: 'sPAPR: the page of a window, in bytes; 0 if the host has none that fits',
    windowLevels: "sPAPR: levels of a window's table with so many entries of 8 bytes",
    removesWindows: 'sPAPR: whether a removed section takes its window away',
  },
  listener: {
    skip: 'Why the listener maps nothing of a section, or `undefined` (vfio_listener_skipped_section)',
    reportsSkip: 'Whether the listener says that it maps nothing of a section, and why (its trace points)',
    alignment: 'The unit in bytes to which the listener trims a section',
    trim: 'The piece of a section that trimming leaves, or why it leaves none (vfio_get_section_iova_range)',
    mapsDeviceMemory: 'Whether the listener asks the host to map a trimmed piece of device memory',
    backingOffset: "The offset in the section's region of the bytes that back address `start`",
    mapsReadonly: 'Whether devices may only read the section',
    unmaps: 'Whether the listener unmaps a piece of a removed section (vfio_listener_region_del)',
    unmapSpan:
      'The range that the listener asks the host to unmap when a piece goes away: the piece itself in every release',
    followsDiscards:
      'Whether the listener maps of RAM of virtio-mem only what is plugged (vfio_ram_discard_register_listener); otherwise all of the section, as of other RAM',
    populateUnit:
      'The largest part of plugged RAM that one request maps, and can be unmapped again by itself, in bytes: a block (vfio_ram_discard_notify_populate)',
    discardSpan:
      'The range that the listener asks the host to unmap when a part of RAM is discarded (vfio_ram_discard_notify_discard); `undefined` for no request',
    rollsBackPopulate:
      'Whether a part that the host did not map whole is unmapped again (vfio_ram_discard_notify_populate)',
    dirtyRange:
      'The name of the range to which a piece of a section belongs when a migration begins: devices log what they write from the first to the last piece of each range (vfio_dirty_tracking_update_range)',
    discardLimit:
      "What QEMU does when the blocks of virtio-mem could exceed the host's limit of mappings: the section is refused, or QEMU prints a warning",
    whenMapped: 'What follows when the host refuses a map because something is mapped there (EEXIST)',
    whenUnregistered:
      'What a listener asks the host to do with each section when the listener is unregistered',
    deviceMemoryFailure: "What the host's refusal to map device memory leads to",
    ramFailure: "What the host's refusal to map RAM leads to once the container is set up",
    reportsFailedUnmap: 'Whether QEMU prints that the host has refused an unmap; every release does',
    missingWindow: 'What QEMU does when it knows no sPAPR window for a removed section',
  },
  device: {
    barAttributes: "Type and width of a BAR that QEMU reads from the device's register",
    sparseAreas:
      'The mmap areas that a SPARSE_MMAP capability leads to, in the order in which QEMU numbers them',
    checkLocation: 'What early set-up demands of the place of table and PBA (vfio_msix_early_setup)',
    correctPbaOffset: "The PBA's true offset on a device whose capability is known to be wrong",
    toleratesPbaBeyondBarWhenRelocated:
      'Whether QEMU accepts a PBA beyond its BAR if the user asks for relocation',
    honoursNoMmap: "Whether the user's `x-no-mmap` leaves the device without mmap areas",
    honoursMmapFlag: 'Whether QEMU mmaps no BAR without VFIO_REGION_INFO_FLAG_MMAP',
    mmapOffset:
      "The offset in the BAR of the bytes that QEMU mmaps for an area: the area's own (vfio_region_mmap)",
    mmapsWritable: 'Whether QEMU asks for an mmap that can be written (vfio_region_mmap)',
    honoursWriteFlag:
      'Whether the guest and devices may only read the mmaps of a BAR without VFIO_REGION_INFO_FLAG_WRITE: in no release',
    honoursMsixMappable: "Whether MSIX_MAPPABLE leaves the mmap of the table's BAR whole",
    fixUpAreas:
      "The mmap areas of the table's BAR without the pages of the table (vfio_pci_fixup_msix_region)",
    fixUp: "Whether the fix-up uses the table's place in the device, or the place after relocation",
    baseRegion: 'Whether the wrapper region "base BAR n" is registered as PCI BAR, or "BAR n" itself',
    mmapParent: 'The region that holds the mmap areas of a BAR: "BAR n" in every release',
    mmapPriority: 'Priority of the mmap areas among the subregions of their parent; 0 in every release',
    msixParent: 'The region that holds the emulated table and PBA of a BAR',
    msixExposure: 'What the guest sees of MSI-X where the machine opts out of its emulation, and where not',
    relocation: 'Whether the property `x-msix-relocation` exists',
    relocate: 'Where `x-msix-relocation` puts table and PBA (vfio_pci_relocate_msix)',
    relocationWithoutMsix:
      'What QEMU does if the user asks for relocation and the device has no MSI-X capability',
    emulatedLayout:
      'The layout by which QEMU places the emulated table and PBA; the capability keeps its own',
    emulatedTableSize: "Bytes of the emulated table's region (msix_init)",
    emulatedPbaSize: "Bytes of the emulated PBA's region (msix_init)",
    quirks: "The parts of a BAR in which QEMU answers in the device's place (vfio_bar_quirk_setup)",
    showsPba: "Whether the guest sees QEMU's own PBA; every release disables its region (vfio_msix_setup)",
    resizableBar:
      'What the guest sees of the resizable BAR capability: nothing, the present size alone, or all that the device offers (vfio_add_ext_cap)',
    msixPriority: 'Priority of table and PBA among the subregions of their parent; 0 in every release',
    registeredSize: 'Bytes of the BAR that QEMU registers with the PCI core (vfio_bar_prepare)',
    releasesAreas: 'Whether QEMU takes back the mmaps of a BAR when it is done with them (vfio_region_exit)',
    unplugOrder:
      'What an unplug does first: take the BARs off the bus, so that no memslot shows them any more, or take the mmaps back (vfio_bars_exit, vfio_bars_finalize)',
    mmapFailure: 'What QEMU keeps of a BAR with an area that the host does not let it mmap',
    resetRestores: 'What a reset brings the function back to, or whether it keeps what the guest wrote',
    resetStopsDecoding:
      "Whether a reset switches decoding off first, by a guest's write (vfio_pci_pre_reset)",
    resetsMsix: 'Whether a reset switches MSI-X off',
    tableFollowsBar:
      'Whether the emulated table moves with its BAR, as a subregion does; otherwise the VMM goes on to trap where the BAR was mapped first',
    followsMoves: 'Whether QEMU stretches a small BAR again each time the BAR moves',
    hotplugRefusal: 'What QEMU does after it refused a vfio-user device that was hot-plugged',
    hotplugMsixRefusal: 'What QEMU does after it refused a hot-plugged device for its MSI-X capability',
    msixUnplug: 'What QEMU does when a vfio-user device with MSI-X is unplugged',
    exportsDmaBuf:
      'Whether QEMU asks the kernel for a dma-buf of the mmap areas of each BAR, for P2P with iommufd (QEMU 11)',
    dmaBufStart: 'Where in the dma-buf of its BAR QEMU looks for a byte of an area',
    mmapAlignment: 'Alignment in bytes of the host address at which QEMU mmaps an area of `size` bytes',
    subPageSize: 'How many bytes a BAR smaller than a host page shows (vfio_sub_page_bar_update_mapping)',
    stretchedPriority: 'Priority of a stretched BAR in its bus; other BARs have 1',
    wrapperShrinks: 'Whether the wrapper region of a stretched BAR shrinks when the BAR does; in no release',
    showsRom: "Whether the guest sees the device's own expansion ROM (vfio_pci_size_rom)",
    romSize: 'Bytes of the ROM that QEMU registers: those that the register decodes; 0 for none',
  },
  memslots: {
    span: 'The part of a section that gets a slot, or `undefined` (kvm_align_section)',
    slotNumber: 'The number of a new slot',
    isDirect: 'Whether a guest may access the section without an exit, so that it gets a slot',
    isReadonly: 'Whether the guest may only read the slot',
    logsDirtyPages: 'Whether KVM logs the pages of a section that the guest writes (kvm_mem_flags)',
    deletesForFlags: 'Whether the listener deletes a slot and makes it again to change its dirty log',
    fetchesDirtyLog:
      'Whether the listener fetches the dirty log of a slot before the listener deletes the slot',
    largestSlot: 'The largest slot, in bytes: a larger section gets several; 0 for no limit',
    slotLimit: 'How many slots the VMM uses at most; a section beyond gets none. 0 for no limit of its own',
    reuse: 'Which number a new slot gets: the one freed last, or one that was never used',
    refusal: 'What a refusal of KVM leads to',
    deletes: 'Whether the listener deletes the slot of a removed section',
    update: 'Whether slots change in each callback, or at commit with all deletions first',
  },
  access: {
    clampsToSection:
      'Whether an access ends with its section at the latest; otherwise it may go on to the end of the region (address_space_translate_internal)',
    pieceWidth: 'How many bytes of the access go to the region at once (memory_access_size)',
    route: 'What answers an access to a BAR',
    accepts:
      'Whether the emulated table or PBA carries out the access; QEMU rejects any other (msix_table_mmio_ops, msix_pba_mmio_ops)',
    polledVectors:
      'The vectors whose pending bits QEMU asks for before it reads its PBA (msix_pba_mmio_read)',
    deviceOffset:
      "The offset in the device's BAR at which QEMU carries out a trapped access (vfio_region_read)",
    reachesRom:
      "Whether an access to the expansion ROM reaches the device's ROM (vfio_rom_read, vfio_rom_write)",
  },
  machine: {
    mmioInPhbDmaSpace:
      "pseries: the host bridge's DMA address space shows the MMIO windows, for peer-to-peer DMA",
    phbResetNeedsKernelContainer:
      "pseries: a reset takes every container for one of the kernel's, and crashes on any other",
    avoidsHyperTransport:
      'pc and q35: with a CPU of AMD, RAM above 4 GiB moves to 1 TiB if it would reach HyperTransport (7.1 and later)',
    checksPhysBits: 'pc and q35: QEMU refuses to start if the CPU cannot address the 64-bit PCI hole (7.1)',
    xive: 'pseries: the interrupt controller has registers in memory (XIVE, 3.1 and later)',
    cpuSpaceName: "The name of the first CPU's address space",
  },
  memory: {
    settle: 'The flat ranges that result from the claims of all regions (render_memory_region)',
    mergeable: 'Whether two neighbours become one range (can_merge)',
    sameRange: 'Whether listeners are not notified when `after` replaces `before` (flatrange_equal)',
    commits:
      'Whether changes in nested transactions reach the views with the outermost commit, or with every one (memory_region_transaction_commit)',
    notices: 'Whether a change of a region leads to an update of the views (memory_region_update_pending)',
    passes: 'Which pass over a changed view comes first (address_space_set_flatview)',
    registration:
      'The notifications of a new listener (listener_add_address_space): all ranges between `begin` and `commit`, all ranges without these two, or nothing',
    notifiesLogging:
      'What listeners are told when logging of dirty pages begins or ends: the change of each range, or nothing (log_start and log_stop)',
    notifiesDiscard: 'Whether virtio-mem tells its listeners that it discards RAM (virtio_mem_notify_unplug)',
    replayed:
      'The plugged parts of a region that a new listener of a section is told of: all (virtio_mem_for_each_plugged_section)',
    plugRefusal:
      "What a listener's refusal of plugged blocks leads to: the guest's request fails, or the blocks are plugged all the same (virtio_mem_notify_plug)",
    resetUnplugs: 'Whether a reset of the machine unplugs all blocks (virtio_mem_system_reset_hold)',
  },
  pci: {
    decodeBar: 'Where a BAR answers by its registers (pci_bar_address)',
    writableBits: "The bits of a BAR's register that software can write, which a probe for the size reads",
    acceptsWrite:
      "Whether a write to a BAR's register counts; `value` is what software writes into the 4 bytes",
    barPriority: 'Priority with which a BAR is added to its bus (pci_update_mappings)',
    movesOnReset: 'Whether BARs move after a reset of the function has changed their registers',
    decodesWhileDisabled: 'Whether a BAR answers although COMMAND does not enable its address space',
    decodesOutsideD0: 'Whether a BAR answers in another power state than D0 (before 10.0)',
    hasMoved: 'Whether QEMU moves a BAR from bus address `before` to `after`; `undefined` means nowhere',
    unmapsOnUnplug: "Whether an unplug removes the device's BARs from the bus (pci_unregister_io_regions)",
    romWritableBits:
      "The bits of the expansion ROM's register that software can write: its address and its enable bit",
    acceptsRomWrite: "Whether a write to the expansion ROM's register counts",
    honoursRomEnable:
      'Whether the expansion ROM answers only while the enable bit of its own register is set',
    movesOnRomWrite:
      "Whether a write to the expansion ROM's register moves the ROM (pci_default_write_config)",
    resetsRom: "Whether a reset clears the expansion ROM's register (pci_reset_regions)",
    unmapsRomOnUnplug: 'Whether an unplug removes the expansion ROM from the bus (pci_unregister_io_regions)',
    romfileSize: "Bytes of the ROM that QEMU makes of a file of the user's (pci_add_option_rom)",
  },
  host: {
    pageSizes: "The page sizes of the IOMMU domain, a subset of the hardware's",
    regionInfo: 'The answer of VFIO_DEVICE_GET_REGION_INFO for a BAR; `info` is what the kernel would answer',
    rom: "Bytes of the expansion ROM's register and of its region; `rom` is what the kernel would show",
    mmap: 'The error of an mmap of an area of a BAR, 0 for success; `errno` is what the kernel would answer',
    checksApertures:
      'Whether the kernel refuses addresses that the IOMMU does not translate (vfio_iommu_iova_dma_valid; type1 since Linux 5.4)',
    unmapSpan: 'The range that the kernel unmaps for a request; the requested one in every kernel',
    unmap: 'The answer to an unmap request; `answer` is what the kernel would answer',
    refusesMap: "An error with which a map request fails before the kernel's own checks; 0 lets it pass",
  },
};
