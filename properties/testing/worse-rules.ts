import { lesser, offset } from '../../src/address/index.ts';
import type { FlatRange, MemoryRules } from '../../src/memory/index.ts';
import type { PciRules } from '../../src/pci/index.ts';
import type { InvariantId } from '../../src/invariants/index.ts';
import type { PatchDefinition } from '../../src/validate/index.ts';
import type { Quirk } from '../../src/vfio/index.ts';

/** An invariant, or a cause of it. */
export type Finder = InvariantId | `${InvariantId}/${string}`;

/** A patch that changes one rule for the worse, and all that must find it. */
export type Bug = readonly [
  finders: Finder | readonly Finder[],
  definition: Omit<PatchDefinition, 'name'>,
  base?: string,
];

const CLOUD_HYPERVISOR = 'cloud-hypervisor-53.0';

/** Decodes no BAR for whose end and size `isLost` holds. */
const without =
  (decodeBar: PciRules['decodeBar'], isLost: (end: bigint, size: bigint) => boolean): PciRules['decodeBar'] =>
  (type, register, size, addressZeroAllowed) => {
    const decoding = decodeBar(type, register, size, addressZeroAllowed);
    const { address } = decoding;
    return address !== undefined && isLost(address + size, size) ? { unmapped: 'wraps' } : decoding;
  };

const isContinued = (left: FlatRange, right: FlatRange): boolean =>
  left.end === right.start &&
  left.region === right.region &&
  left.offset + (left.end - left.start) === right.offset;

const hasSameWriters = (a: FlatRange, b: FlatRange): boolean =>
  a.readonly === b.readonly && a.nonvolatile === b.nonvolatile;

/** Puts mirrors of configuration space elsewhere, or changes how much of it they show. */
const mirroring = (change: (mirror: Quirk) => readonly Quirk[]): Bug[1] => ({
  device: ({ quirks }) => ({
    quirks: (context) =>
      quirks(context).flatMap((quirk) => (quirk.name.includes('mirror') ? change(quirk) : [quirk])),
  }),
});

const merging = (mergeable: MemoryRules['mergeable']): Bug[1] => ({ memory: { mergeable } });

/** For each rule that no known bug needs, a patch that shows that the rule is asked and matters. */
export const BUGS: Readonly<Record<string, Bug>> = {
  'several blocks of virtio-mem are mapped by one request': [
    'map-unmap-symmetric/split-mapping',
    { listener: { populateUnit: (block) => block * 64n } },
  ],
  'discarded blocks of virtio-mem stay mapped': [
    'map-matches-view/not-plugged',
    { listener: { discardSpan: () => undefined } },
  ],
  'blocks of virtio-mem stay mapped where the host refuses a later block': [
    'map-matches-view/not-plugged',
    { listener: { rollsBackPopulate: false } },
  ],
  'devices log only what they write below 4 GiB': [
    'map-matches-view/not-tracked',
    { listener: { dirtyRange: (_, { start, size }) => (start + size <= 1n << 32n ? 'all' : undefined) } },
  ],
  'the end of a migration leaves the dirty logs on': [
    'memslot-aligned-disjoint/logged-in-vain',
    { memory: { notifiesLogging: (change) => change === 'start' } },
  ],
  'a slot is deleted and made again for its dirty log': [
    'no-needless-change/slot-replaced',
    { memslots: { deletesForFlags: () => true } },
  ],
  'the container is never closed': ['map-unmap-symmetric', { container: { closes: 'never' } }],
  'the container is closed while another device is in it': [
    'ram-reachable/no-container',
    { container: { closes: 'with-any-device' } },
  ],
  'RAM is not registered on POWER': [
    'ram-reachable/not-registered',
    { container: { registersRam: () => false } },
  ],
  'RAM off the pages of the host is registered': [
    'map-aligned/registration-unaligned',
    { container: { unalignedRam: 'registered' } },
  ],
  'RAM that goes stays registered': [
    'resources-bounded/registration-left',
    { container: { unregistersRam: false } },
  ],
  'a DMA window is half as long as that of the guest': [
    'window-limit/window-too-short',
    { container: { windowSize: (size) => size / 2n } },
  ],
  'a DMA window beyond 1 TiB ends there': [
    'window-limit/window-too-short',
    { container: { windowSize: (size) => lesser(size, 1n << 40n) } },
  ],
  'a DMA window has the pages of the host': [
    'window-limit/page-too-large',
    { container: { windowPageSize: ({ host }) => host } },
  ],
  'the table of a DMA window of any size has one level': [
    'no-abort',
    { container: { windowLevels: () => 1 } },
  ],
  'the table of a DMA window has a level for each 64 entries': [
    'no-abort',
    { container: { windowLevels: (entries) => Math.ceil(entries.toString(2).length / 6) } },
  ],
  'a DMA window gets the page that the guest asked for, which the host may lack': [
    'window-limit/page-not-offered',
    { container: { windowPageSize: ({ wanted }) => wanted } },
  ],
  'RAM that is added later is not mapped': [
    'ram-reachable',
    {
      listener: ({ skip }) => ({
        skip: (section, context) =>
          context.initialized && context.change === 'add' && !section.region.isRamDevice
            ? 'late'
            : skip(section, context),
      }),
    },
  ],
  'at most 8 memslots': ['memslot-complete', { memslots: { slotLimit: 8 } }],
  'a BAR has too few bits for sizing': [
    'bar-as-hardware/write-lost',
    { pci: { writableBits: (_type, size) => BigInt.asUintN(64, -(size * 2n)) } },
  ],
  'the upper half of a 64-bit BAR has no writable bits': [
    'bar-as-hardware/write-lost',
    { pci: { writableBits: (_type, size) => BigInt.asUintN(32, -size) } },
  ],
  'writes to a BAR are lost while it decodes': [
    'bar-as-hardware/write-lost',
    { pci: { acceptsWrite: (_value, isDecoding) => !isDecoding } },
  ],
  'a reset keeps the registers of BARs': [
    'bar-as-hardware/kept-over-reset',
    { device: { resetRestores: 'command-only' } },
  ],
  'a reset leaves memory enabled': [
    'bar-as-hardware/decodes-after-reset',
    { device: { resetRestores: 'bars-only', resetStopsDecoding: false } },
  ],
  'device memory of one IOMMU page is not mapped for DMA': [
    'ram-reachable/wrong-reason',
    {
      listener: ({ mapsDeviceMemory }) => ({
        mapsDeviceMemory: (start, size, pages) => size > pages.iommu && mapsDeviceMemory(start, size, pages),
      }),
    },
  ],
  'device memory of one page is skipped for a reason of its own': [
    'ram-reachable/left-out',
    {
      listener: ({ skip }) => ({
        skip: (section, context) =>
          skip(section, context) ??
          (section.region.isRamDevice && section.size <= context.pages.host ? 'too-small' : undefined),
      }),
    },
  ],
  'the last page of device memory is not mapped for DMA': [
    'ram-reachable/partly-mapped',
    {
      listener: ({ trim }) => ({
        trim: (section, unit, context) => {
          const piece = trim(section, unit, context);
          const isLong = typeof piece !== 'string' && section.region.isRamDevice && piece.size > unit;
          return isLong ? { start: piece.start, size: piece.size - unit } : piece;
        },
      }),
    },
  ],
  'a BAR at address 0 is mapped nowhere': [
    'incremental-equals-scratch/bar-misplaced',
    {
      pci: ({ decodeBar }) => ({
        decodeBar: (type, register, size) => decodeBar(type, register, size, false),
      }),
    },
  ],
  'a BAR at address 0 is mapped on every machine': [
    'incremental-equals-scratch/bar-misplaced',
    {
      pci: ({ decodeBar }) => ({
        decodeBar: (type, register, size) => decodeBar(type, register, size, true),
      }),
    },
  ],
  'a 64-bit BAR that ends at 4 GiB is mapped nowhere': [
    'incremental-equals-scratch/bar-misplaced',
    { pci: ({ decodeBar }) => ({ decodeBar: without(decodeBar, (end) => end === 1n << 32n) }) },
  ],
  'a BAR that ends one size below 2^64 is mapped nowhere': [
    'incremental-equals-scratch/bar-misplaced',
    { pci: ({ decodeBar }) => ({ decodeBar: without(decodeBar, (end, size) => end + size === 1n << 64n) }) },
  ],
  'a BAR of the size of a window is mapped nowhere': [
    'incremental-equals-scratch/bar-misplaced',
    {
      pci: ({ decodeBar }) => ({
        decodeBar: without(decodeBar, (_, size) => size === 1n << 39n || size === 1n << 40n),
      }),
    },
  ],
  'a register is emulated over BARs of cards that do not have it': [
    'memslot-complete/emulated-without-reason',
    {
      device: ({ quirks }) => ({
        quirks: (context) =>
          context.bar === 0 && context.size >= 0x2000n
            ? [...quirks(context), { name: 'vfio-igd-bdsm-quirk', offset: offset(0x1000n), size: 4n }]
            : quirks(context),
      }),
    },
  ],
  'every card of the vendor has the mirror of a graphics card': [
    'memslot-complete/emulated-without-reason',
    { device: ({ quirks }) => ({ quirks: (context) => quirks({ ...context, isVga: true }) }) },
  ],
  'a graphics card has no mirror': ['access-dispatched/mirror-missing', mirroring(() => [])],
  'the mirror of a graphics card begins a page too late': [
    ['access-dispatched/mirror-missing', 'memslot-complete/emulated-without-reason'],
    mirroring((mirror) => [{ ...mirror, offset: offset(mirror.offset + 0x1000n) }]),
  ],
  'the mirror of a graphics card begins 8 bytes too early': [
    'access-dispatched/mirror-wrong-offset',
    mirroring((mirror) => [{ ...mirror, offset: offset(mirror.offset - 8n) }]),
  ],
  'the mirror of a graphics card ends after half of the configuration space': [
    'access-dispatched/mirror-missing',
    mirroring((mirror) => [{ ...mirror, size: mirror.size / 2n }]),
  ],
  'a graphics card takes what the guest writes to the mirror': [
    'access-dispatched/mirror-passes-through',
    {
      access: ({ route }) => ({
        route: (access, found, layout) =>
          access.write && found === 'config-space' ? 'device' : route(access, found, layout),
      }),
    },
  ],
  'the view of RAM does not follow its permission': [
    'flat-partition/wrong-attributes',
    { memory: { notices: (change) => change !== 'readonly' } },
  ],
  'the view of an alias does not follow what the alias shows': [
    'flat-partition/wrong-owner',
    { memory: { notices: (change) => change !== 'alias-offset' } },
  ],
  'a BAR of ports is never decoded': [
    'incremental-equals-scratch/bar-misplaced',
    {
      pci: ({ decodeBar }) => ({
        decodeBar: (type, ...more) =>
          type === 'io' ? { unmapped: 'decoding-off' } : decodeBar(type, ...more),
      }),
    },
  ],
  'a BAR that moves inside its page stays where it was': [
    'incremental-equals-scratch/bar-misplaced',
    {
      pci: ({ hasMoved }) => ({
        hasMoved: (before, after) =>
          hasMoved(before, after) &&
          (before === undefined || after === undefined || before >> 12n !== after >> 12n),
      }),
    },
  ],
  'the view of a ROM device does not follow the guest': [
    'flat-partition/wrong-romd-mode',
    { memory: { notices: (change) => change !== 'romd-mode' } },
  ],
  'neighbours become one range although only one of them is read-only': [
    'flat-partition/wrong-attributes',
    merging(
      (a, b) => isContinued(a, b) && !a.unmergeable && !b.unmergeable && a.nonvolatile === b.nonvolatile,
    ),
  ],
  'neighbours become one range although only one of them is nonvolatile': [
    'flat-partition/wrong-attributes',
    merging((a, b) => isContinued(a, b) && !a.unmergeable && !b.unmergeable && a.readonly === b.readonly),
  ],
  'neighbours become one range although the second is to stay by itself': [
    'flat-partition/wrong-attributes',
    merging((a, b) => isContinued(a, b) && hasSameWriters(a, b) && !a.unmergeable),
  ],
  'neighbours become one range although the first is to stay by itself': [
    'flat-partition/wrong-attributes',
    merging((a, b) => isContinued(a, b) && hasSameWriters(a, b) && !b.unmergeable),
  ],
  'neighbours become one range although they show other bytes of a region': [
    'flat-partition/wrong-owner',
    merging(
      (a, b) =>
        a.end === b.start &&
        a.region === b.region &&
        hasSameWriters(a, b) &&
        !a.unmergeable &&
        !b.unmergeable,
    ),
  ],
  'ranges are not notified of that become read-only': [
    'ram-reachable/wrong-permission',
    {
      memory: {
        sameRange: (a, b) =>
          a.start === b.start && a.end === b.end && a.region === b.region && a.offset === b.offset,
      },
    },
  ],
  'a BAR loses its prefetchable bit': [
    'bar-as-hardware/wrong-prefetch',
    { device: { barAttributes: (attributes) => ({ ...attributes, prefetchable: false }) } },
  ],
  'a small BAR is not stretched again after a move': [
    'memslot-complete/small-bar-trapped',
    { device: { followsMoves: false } },
  ],
  'a small BAR is never stretched': [
    'memslot-complete/small-bar-trapped',
    { device: { subPageSize: (size) => size } },
  ],
  'MSI-X stays enabled over a reset': [
    'msix-capability-consistent/enabled-after-reset',
    { device: { resetsMsix: false } },
  ],
  'the emulated PBA has 8 bytes': [
    'msix-capability-consistent/pba-cut-short',
    { device: { emulatedPbaSize: () => 8n } },
  ],
  'x-no-mmap is ignored': ['mmap-inside-bar', { device: { honoursNoMmap: false } }],
  'BARs that the host does not offer are mmapped': [
    'mmap-inside-bar/not-offered',
    { device: { honoursMmapFlag: false } },
  ],
  'every area is mmapped from the beginning of the BAR': [
    'mmap-inside-bar/shown-elsewhere',
    { device: { mmapOffset: () => offset(0n) } },
  ],
  'a region that goes leaves the views as they were': [
    'flat-partition',
    { memory: { notices: (change) => change !== 'remove' } },
  ],
  'the container is closed before its listener leaves': [
    'map-unmap-symmetric',
    { container: { teardown: 'close-first' } },
  ],
  'a refusal during set-up is ignored': ['ram-reachable', { container: { registrationFailure: 'ignored' } }],
  'a refusal during set-up ends QEMU': ['no-abort', { container: { registrationFailure: 'fatal' } }],
  'a failed unmap is not told': [
    'map-unmap-symmetric/failed-unmap-untold',
    { listener: { reportsFailedUnmap: false } },
  ],
  'the listener follows system memory': ['map-matches-view', { container: { space: 'system-memory' } }],
  'the page of a window is that of the host': [
    'no-abort',
    { container: { windowPageSize: ({ host }) => host * 16n } },
  ],
  'windows stay when their section goes': [
    'window-limit/refused-window',
    { container: { removesWindows: false } },
  ],
  'the unmapped range is a page short': [
    'map-unmap-symmetric',
    {
      listener: {
        unmapSpan: ({ start, size }) => ({ start, size: size > 0x1_0000n ? size - 0x1_0000n : size }),
      },
    },
  ],
  'the kernel unmaps half': [
    'map-unmap-symmetric',
    {
      host: {
        unmap: (answer) => ({ ...answer, errno: 0, unmapped: 0n }),
        unmapSpan: ({ start }) => ({ start, size: 1n }),
      },
    },
  ],
  'slots are never deleted by number': [
    'memslot-aligned-disjoint/number-in-use',
    { memslots: { slotNumber: () => 3 } },
  ],
  'every commit updates the views': [
    'memslot-aligned-disjoint/asked-not-backed',
    { memory: { commits: 'every' } },
  ],
  'a reset restores nothing': [
    'incremental-equals-scratch',
    { device: { resetRestores: 'bars-only', resetStopsDecoding: false }, pci: { movesOnReset: false } },
  ],
  'BARs do not move on a reset': [
    'incremental-equals-scratch',
    { device: { resetStopsDecoding: false }, pci: { movesOnReset: false } },
  ],
  'a BAR is registered with half of its size': [
    'msix-capability-consistent',
    { device: { registeredSize: (size) => (size > 0x10n ? size / 2n : size) } },
  ],
  'the emulated table lies below the mmaps': ['msix-trapped', { device: { msixPriority: -1 } }],
  'cloud-hypervisor leaves DMA mappings of a removed device': [
    'map-unmap-symmetric',
    { cloudHypervisor: { removes: ['slots'] } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor leaves slots of a removed device': [
    [
      'memslot-aligned-disjoint/wrong-backing',
      'memslot-aligned-disjoint/owner-gone',
      'resources-bounded/mmaps-left',
    ],
    { cloudHypervisor: { removes: ['dma-mappings'] } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor moves a BAR without its DMA mapping': [
    'map-matches-view',
    { cloudHypervisor: { moveSteps: ['remove-slot', 'create-slot'] } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor maps the new place before it unmaps the old': [
    'map-unmap-symmetric',
    { cloudHypervisor: { moveSteps: ['map-dma', 'unmap-dma', 'remove-slot', 'create-slot'] } },
    CLOUD_HYPERVISOR,
  ],
  'device memory is written byte by byte': [
    'access-dispatched/split',
    {
      access: ({ pieceWidth }) => ({
        pieceWidth: (access, widths) => (widths.unaligned ? 1 : pieceWidth(access, widths)),
      }),
    },
  ],
  'the table answers in the words of the PBA': ['access-dispatched', { access: { route: () => 'pba' } }],
  'no guest sees an expansion ROM': ['bar-as-hardware/missing-rom', { device: { showsRom: () => false } }],
  'a guest sees half of an expansion ROM': [
    'bar-as-hardware/wrong-rom-size',
    { device: { romSize: ({ size }) => size / 2n } },
  ],
  'an expansion ROM answers without its enable bit': [
    'incremental-equals-scratch/bar-misplaced',
    { pci: { honoursRomEnable: false } },
  ],
  'the enable bit of an expansion ROM cannot be written': [
    'bar-as-hardware/write-lost',
    { pci: { romWritableBits: (size) => BigInt.asUintN(32, -size) } },
  ],
  'the kernel shows no expansion ROM': [
    'access-dispatched/rom-unreadable',
    { host: { rom: ({ size }) => ({ size, contents: 0n }) } },
  ],
  'writes to the register of an expansion ROM are lost while it is enabled': [
    'bar-as-hardware/write-lost',
    { pci: { acceptsRomWrite: (_value, isEnabled) => !isEnabled } },
  ],
  'an expansion ROM does not move': [
    'incremental-equals-scratch/bar-misplaced',
    { pci: { movesOnRomWrite: false } },
  ],
  'a reset keeps the register of an expansion ROM': [
    'bar-as-hardware/kept-over-reset',
    { pci: { resetsRom: false } },
  ],
  'an unplugged device leaves its expansion ROM behind': [
    'memslot-aligned-disjoint/owner-gone',
    { pci: { unmapsRomOnUnplug: false } },
  ],
  'a file becomes an expansion ROM of its own length': [
    'no-abort/rom-size-assertion',
    { pci: { romfileSize: (bytes) => bytes } },
  ],
  'the guest writes to an expansion ROM': [
    'access-dispatched/rom-written',
    { access: { reachesRom: ({ offset: at }, contents) => at < contents } },
  ],
  'an expansion ROM without an image is read': [
    'access-dispatched/rom-read-beyond-its-end',
    { access: { reachesRom: ({ write }) => !write } },
  ],
  'cloud-hypervisor reads its table where the device has it': [
    'access-dispatched',
    { cloudHypervisor: { routesToTable: () => false } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor reads registers from the start of the BAR': [
    'access-dispatched',
    { cloudHypervisor: { regionOffset: () => offset(0n) } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor hands out half-aligned addresses': [
    'bar-as-hardware/misaligned',
    { cloudHypervisor: { alignment: (_type, size) => (size > 0x10n ? size / 2n : size) } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor never closes the container': [
    'resources-bounded/container-stays-open',
    { cloudHypervisor: { closesContainer: false } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor never frees addresses': [
    'resources-bounded/addresses-lost',
    { cloudHypervisor: { freesAddresses: false } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor uses the numbers of slots twice': [
    'memslot-aligned-disjoint',
    { cloudHypervisor: { slotNumber: (unused) => unused % 4 } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor maps no RAM above 4 GiB': [
    'incremental-equals-scratch',
    { cloudHypervisor: { mapsRam: (start) => start < 1n << 32n } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor takes a 64-bit BAR for one of 32 bits': [
    'bar-as-hardware',
    {
      cloudHypervisor: {
        barAttributes: (attributes) =>
          attributes.type === 'mem64' ? { ...attributes, type: 'mem32' } : attributes,
      },
    },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor reads only the low half of the size of a BAR': [
    'bar-as-hardware',
    { cloudHypervisor: { barSize: (size) => BigInt.asUintN(32, size) || 0x1000n } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor removes only the first area of a BAR': [
    'memslot-aligned-disjoint',
    { cloudHypervisor: { removesAreas: 'first' } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor mmaps BARs that the user excludes': [
    'mmap-inside-bar',
    { cloudHypervisor: { excludesMmap: false } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor emulates no table': [
    'msix-trapped',
    { cloudHypervisor: { emulatesTable: false } },
    CLOUD_HYPERVISOR,
  ],
};
