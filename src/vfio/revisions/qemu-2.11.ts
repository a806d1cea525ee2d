import { alignDown, alignUp, offset } from '../../address/index.ts';
import { form2_11, type MemoryRegionSection } from '../../memory/index.ts';
import type { PageSizes, Revision } from '../revision.ts';

const TOP_BIT = 1n << 63n;
const CHELSIO = 0x1425;

/**
 * Sizing an enabled 64-bit BAR moves it for a moment to the upper half of the address space, where
 * no IOMMU reaches; the start alone is looked at (fact 6.1).
 */
export const skipTopHalf = (section: MemoryRegionSection) =>
  section.start >= TOP_BIT ? ('top-half' as const) : undefined;

/** The whole host pages of a section (kvm_align_section, fact 9.2). */
export function wholeHostPages(section: MemoryRegionSection, { host }: Pick<PageSizes, 'host'>) {
  const start = alignUp(section.start, host);
  const size = alignDown(section.end, host) - start;
  return size > 0n ? { start, size } : undefined;
}

/** Before the seed patch: released in December 2017. */
export const qemu211: Revision = {
  id: 'qemu-2.11',
  title: 'QEMU 2.11, before the seed patch',
  source: 'QEMU 2.11.0: hw/vfio/common.c, hw/vfio/pci.c',
  iommus: ['type1', 'spapr-tce-v2'],
  listener: {
    skip: skipTopHalf,
    alignment: ({ target }) => target,
    mapsDeviceMemory: () => true,
    unmapsWhenUnregistered: false,
    deviceMemoryFailure: 'fatal',
  },
  device: {
    sparseAreas: (areas) => areas,
    checkLocation: () => undefined,
    correctPbaOffset: (vendor, device) =>
      vendor === CHELSIO && (device & 0xff00) === 0x5800 ? offset(0x1000n) : undefined,
    toleratesPbaBeyondBarWhenRelocated: false,
    honoursMsixMappable: false,
    baseRegion: false,
    msixParent: ({ bar }) => bar,
    msixExposure: () => ({ kind: 'emulated' }),
    relocation: false,
    hotplugRefusal: 'reported',
    msixUnplug: 'done',
    mmapAlignment: (_size, hostPageSize) => hostPageSize,
  },
  memslots: { span: wholeHostPages, update: 'immediately' },
  machine: {
    mmioInPhbDmaSpace: false,
    phbResetNeedsKernelContainer: false,
    xive: false,
    cpuSpaceName: 'cpu-memory',
  },
  mtree: form2_11,
  breaks: [
    'map-aligned',
    'msix-direct-on-opt-out',
    'map-unmap-symmetric',
    'mmio-map-not-fatal',
    'no-abort',
    'guest-page-reachable',
  ],
};
