import { greater, hex, lesser, lowestSetBit, offset } from '../../address/index.ts';
import { form11 } from '../../memory/index.ts';
import type { SparseArea } from '../../host/index.ts';
import { type MsixLayout, BAR_COUNT } from '../../pci-layout/index.ts';
import { DeviceRefused } from '../failure.ts';
import type { Revision } from '../revision.ts';
import { qemu60 } from './qemu-6.0.ts';

const GIB = 1n << 30n;
const BAIDU = 0x1d22;
const KUNLUN_VF = 0x3685;

/**
 * Numbers the areas by their offset and refuses areas that overlap (vfio_setup_region_sparse_mmaps,
 * vfio fact 5.2).
 */
function sortedDisjoint(areas: readonly SparseArea[], bar: number): readonly SparseArea[] {
  const sorted = areas
    .filter(({ size }) => size !== 0n)
    .toSorted((a, b) => (a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0));
  for (const [index, area] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next === undefined || area.offset + area.size <= next.offset) continue;
    const span = ({ offset: start, size }: SparseArea) => `[${hex(start)}-${hex(start + size - 1n)}]`;
    throw new DeviceRefused(
      'vfio_setup_region_sparse_mmaps: overlapping sparse mmap regions detected ' +
        `in region ${bar}: ${span(area)} overlaps with ${span(next)}`,
    );
  }
  return sorted;
}

function checkBirs({ tableBar, pbaBar }: MsixLayout): void {
  if (tableBar < BAR_COUNT && pbaBar < BAR_COUNT) return;
  throw new DeviceRefused(`invalid MSI-X BIR, table_bar=${tableBar} pba_bar=${pbaBar}`);
}

/** The newest release that the model follows. Its behaviour is compared with a real QEMU. */
export const qemu111: Revision = {
  ...qemu60,
  id: 'qemu-11.1',
  title: 'QEMU 11.1',
  source: 'QEMU 11.1.3: hw/vfio/listener.c, region.c, pci.c; hw/vfio-user; observed on the program',
  hasVirtioMem: true,
  hasDirtyTracking: true,
  hasReadonlyBars: true,
  iommus: ['type1', 'iommufd', 'spapr-tce-v2', 'vfio-user'],
  device: {
    ...qemu60.device,
    sparseAreas: sortedDisjoint,
    checkLocation: checkBirs,
    correctPbaOffset: (vendor, device) =>
      vendor === BAIDU && device === KUNLUN_VF
        ? offset(0xb400n)
        : qemu60.device.correctPbaOffset(vendor, device),
    // Observed: a use after free in the thread that releases the device's regions (SIGSEGV, no QMP answer;
    // vfio fact 5.16).
    hotplugRefusal: 'crash',
    hotplugMsixRefusal: 'reported',
    // Observed: at release QEMU takes the region of the PBA out of its BAR once more and aborts
    // (vfio fact 10.11).
    msixUnplug: 'crash',
    exportsDmaBuf: true,
    // Observed: QEMU counts from the start of the BAR, the kernel from the start of the first area (vfio fact 5.17).
    dmaBufStart: (area, at) => area.offset + at,
    mmapAlignment: (size, hostPageSize) => greater(lesser(lowestSetBit(size), GIB), hostPageSize),
  },
  // Since 10.2 the check of the limit is an error (vfio fact 6.14).
  listener: { ...qemu60.listener, discardLimit: 'refused' },
  pci: { ...qemu60.pci, decodesOutsideD0: false },
  memslots: { ...qemu60.memslots, update: 'at-commit' },
  machine: {
    ...qemu60.machine,
    phbResetNeedsKernelContainer: true,
    avoidsHyperTransport: true,
    checksPhysBits: true,
  },
  // Renamed in QEMU 9.0.
  dmaMapFunction: 'vfio_container_dma_map',
  romfileRegion: 'vfio-cpr-pci.rom',
  mtree: form11,
};
