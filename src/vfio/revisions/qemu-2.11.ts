import { isAligned, offset } from '../../address/index.ts';
import { QEMU_MEMORY, form2_11, isLoggable, type MemoryRegionSection } from '../../memory/index.ts';
import { QEMU_PCI } from '../../pci/index.ts';
import { QEMU_ACCESS } from '../guest-access/qemu-access.ts';
import { cutOutTable } from '../msix-early-setup.ts';
import { relocatedToUpperHalf } from '../msix-relocation.ts';
import { threeRanges } from '../dirty-ranges.ts';
import { quirksOf } from '../quirks.ts';
import type { Revision } from '../revision.ts';
import { largestWindowPage, levelsOfWindow } from '../spapr-windows.ts';
import { trimSection, wholeUnits } from '../trim.ts';

const TOP_BIT = 1n << 63n;
const CHELSIO = 0x1425;
/** Reading the ROM of this network card hangs the host (vfio fact 5.23). */
const [BROADCOM, BCM57810] = [0x14e4, 0x168e];

/**
 * While a guest sizes an enabled 64-bit BAR, the BAR lies in the upper half of the address space, where no
 * IOMMU reaches. QEMU looks at the start of a section alone (vfio fact 6.1).
 */
const skipTopHalf = (section: MemoryRegionSection) =>
  section.start >= TOP_BIT ? ('top-half' as const) : undefined;

/**
 * Protected RAM is for no device (vfio fact 6.1). The releases before 6.2 have none, so the rule stands in all of them.
 */
const skipProtected = ({ region }: MemoryRegionSection) =>
  region.isProtected ? ('protected' as const) : undefined;

/** The release before the seed patch, of December 2017. */
export const qemu211: Revision = {
  id: 'qemu-2.11',
  title: 'QEMU 2.11, before the seed patch',
  source: 'QEMU 2.11.0: hw/vfio/common.c, hw/vfio/pci.c',
  hasVirtioMem: false,
  hasDirtyTracking: false,
  hasReadonlyBars: false,
  iommus: ['type1', 'spapr-tce-v2'],
  container: {
    shared: 'all-devices',
    closes: 'with-last-device',
    registrationFailure: 'device-refused',
    teardown: 'unregister-first',
    space: 'of-devices',
    listenerPriority: 0,
    registersRam: () => true,
    unalignedRam: 'left-out',
    unregistersRam: true,
    removesDefaultWindow: true,
    windowSize: (size) => size,
    windowPageSize: largestWindowPage,
    windowLevels: levelsOfWindow,
    removesWindows: true,
  },
  listener: {
    skip: (section) => skipProtected(section) ?? skipTopHalf(section),
    // The model says in every release what 6.2 and later trace.
    reportsSkip: () => true,
    alignment: ({ target }) => target,
    trim: trimSection,
    mapsDeviceMemory: () => true,
    backingOffset: (section, start) => offset(section.offset + start - section.start),
    mapsReadonly: ({ readonly }) => readonly,
    unmaps: () => true,
    unmapSpan: (piece) => piece,
    // No scenario asks these of releases without virtio-mem and dirty tracking.
    followsDiscards: () => true,
    populateUnit: (block) => block,
    discardSpan: (discarded) => discarded,
    rollsBackPopulate: true,
    dirtyRange: threeRanges,
    discardLimit: 'warned',
    whenMapped: 'failure',
    deviceMemoryFailure: 'fatal',
    ramFailure: 'fatal',
    reportsFailedUnmap: true,
    missingWindow: 'fatal',
    whenUnregistered: 'nothing',
  },
  device: {
    barAttributes: (attributes) => attributes,
    sparseAreas: (areas) => areas.filter(({ size }) => size !== 0n),
    checkLocation: () => undefined,
    correctPbaOffset: (vendor, device) =>
      vendor === CHELSIO && (device & 0xff00) === 0x5800 ? offset(0x1000n) : undefined,
    toleratesPbaBeyondBarWhenRelocated: false,
    honoursNoMmap: true,
    honoursMmapFlag: true,
    mmapOffset: ({ offset }) => offset,
    mmapsWritable: ({ write }) => write,
    honoursWriteFlag: false,
    honoursMsixMappable: false,
    fixUpAreas: cutOutTable,
    fixUp: 'before-relocation',
    baseRegion: false,
    mmapParent: ({ bar }) => bar,
    mmapPriority: 0,
    msixParent: ({ bar }) => bar,
    msixExposure: () => ({ kind: 'emulated' }),
    relocation: false,
    relocate: relocatedToUpperHalf,
    relocationWithoutMsix: 'ignored',
    emulatedLayout: (layout) => layout,
    emulatedTableSize: (tableSize) => tableSize,
    emulatedPbaSize: (pbaSize) => pbaSize,
    quirks: quirksOf,
    resizableBar: 'hidden',
    showsPba: false,
    msixPriority: 0,
    registeredSize: (size) => size,
    mmapFailure: 'no-area',
    releasesAreas: () => true,
    unplugOrder: 'bars-first',
    resetRestores: 'power-on',
    resetStopsDecoding: true,
    resetsMsix: true,
    tableFollowsBar: true,
    followsMoves: true,
    hotplugRefusal: 'reported',
    hotplugMsixRefusal: 'reported',
    msixUnplug: 'done',
    exportsDmaBuf: false,
    dmaBufStart: (_area, at, before) => before + at,
    mmapAlignment: (_size, hostPageSize) => hostPageSize,
    subPageSize: (barSize, address, hostPageSize) =>
      address !== undefined && isAligned(address, hostPageSize) ? hostPageSize : barSize,
    stretchedPriority: 0,
    wrapperShrinks: false,
    showsRom: ({ vendor, device, rombar }) => rombar ?? !(vendor === BROADCOM && device === BCM57810),
    romSize: ({ size }) => size,
  },
  memslots: {
    span: (section, { host }) => wholeUnits(section, host),
    slotNumber: (_section, unused) => unused,
    isDirect: ({ region, romdMode }, readonlySlots) =>
      region.isRam || (region.kind === 'rom-device' && romdMode && readonlySlots),
    isReadonly: ({ region }, readonlySlots) =>
      readonlySlots && (region.readonly || region.kind === 'rom-device'),
    logsDirtyPages: ({ region }, logging) => logging && isLoggable(region),
    deletesForFlags: () => false,
    fetchesDirtyLog: true,
    largestSlot: 0n,
    slotLimit: 0,
    reuse: 'last-freed',
    refusal: 'fatal',
    deletes: true,
    update: 'immediately',
  },
  access: QEMU_ACCESS,
  machine: {
    mmioInPhbDmaSpace: false,
    phbResetNeedsKernelContainer: false,
    avoidsHyperTransport: false,
    checksPhysBits: false,
    xive: false,
    cpuSpaceName: 'cpu-memory',
  },
  memory: QEMU_MEMORY,
  pci: QEMU_PCI,
  host: {
    pageSizes: (hardware) => hardware,
    regionInfo: (info) => info,
    rom: (rom) => rom,
    mmap: (errno) => errno,
    checksApertures: true,
    unmapSpan: (requested) => requested,
    unmap: (answer) => answer,
    refusesMap: () => 0,
  },
  dmaMapFunction: 'vfio_dma_map',
  romfileRegion: 'vfio-pci.rom',
  mtree: form2_11,
};
