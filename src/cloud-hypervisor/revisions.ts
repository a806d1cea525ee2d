import { powerOfTwoCeiling } from '../address/index.ts';
import { form11 } from '../memory/index.ts';
import type { CloudHypervisorRevision } from './revision.ts';
import { naturalAlignment } from './address-manager.ts';
import { probesWithAllOnes } from './bar-registers.ts';
import { fixUpMsixRegion } from './msix-fix-up.ts';
import { clampedHole, roundedHole } from './sparse-areas.ts';
import { beginsInTable, isTableAccess } from './table-access.ts';

const GIB = 1n << 30n;

/** The release before the fixes of 2026, of February of that year. */
export const cloudHypervisor51: CloudHypervisorRevision = {
  id: 'cloud-hypervisor-51.0',
  title: 'cloud-hypervisor 51.0, before its fixes of 2026',
  source: 'cloud-hypervisor v51.0: pci/src/vfio.rs, pci/src/configuration.rs, vmm/src/device_manager.rs',
  vmm: 'cloud-hypervisor',
  iommus: ['type1'],
  rules: {
    hole: roundedHole,
    mmapLength: ({ size }) => size,
    mmapAlignment: (_length, hostPageSize) => hostPageSize,
    excludesMmap: false,
    movesEnabledBar: 'with-next-write',
    undoesRefusedMove: false,
    isProbe: probesWithAllOnes,
    fixUpMsix: fixUpMsixRegion,
    alignment: naturalAlignment,
    allocatedSize: (_type, size) => size,
    allocates: 'from-the-top',
    freesAddresses: true,
    movesInAllocator: true,
    moveSteps: ['unmap-dma', 'remove-slot', 'create-slot', 'map-dma'],
    removes: ['dma-mappings', 'slots', 'mmaps'],
    slotNumber: (unused) => unused,
    mapsRam: () => true,
    barAttributes: (attributes) => attributes,
    barSize: (size) => size,
    removesAreas: 'all',
    slotReuse: 'last-freed',
    mapsDeviceMemory: true,
    mapFailure: 'device-refused',
    closesContainer: true,
    emulatesTable: true,
    routesToTable: beginsInTable,
    tableAnswers: isTableAccess,
    regionOffset: ({ offset }) => offset,
    rebootFreesAddresses: true,
    commits: 'before-mapping',
  },
  mtree: form11,
};

/** The first fix alone. It uncovers the fault that the second fix mends. */
export const clampedHoles: CloudHypervisorRevision = {
  ...cloudHypervisor51,
  id: 'cloud-hypervisor-51.0+clamped-holes',
  title: 'No holes beyond the BAR, and nothing else',
  source:
    'pull request 7904 for issue 7898: commit 9156758828dd, "pci: clamp sparse mmap holes to physical BAR"',
  rules: { ...cloudHypervisor51.rules, hole: clampedHole },
};

/** The release after the fixes of 2026, of July of that year. */
export const cloudHypervisor53: CloudHypervisorRevision = {
  ...clampedHoles,
  id: 'cloud-hypervisor-53.0',
  title: 'cloud-hypervisor 53.0, after its fixes of 2026',
  source:
    'cloud-hypervisor v53.0: commits 9156758828dd (7904), 23a980cd5413 (7939), e38c5c43438, e65cca3bf, ' +
    '8b86dd9fb, 75b0fe5a2, 410276856, de4ff39f4',
  rules: {
    ...clampedHoles.rules,
    hole: clampedHole,
    // A BAR smaller than a page takes the whole page; the kernel lets no other device use that page.
    mmapLength: ({ offset, size }, hostPageSize) =>
      size >= hostPageSize ? size : offset === 0n ? hostPageSize : undefined,
    mmapAlignment: (length, hostPageSize) => {
      const natural = length >= GIB ? GIB : powerOfTwoCeiling(length);
      return natural > hostPageSize ? natural : hostPageSize;
    },
    excludesMmap: true,
    movesEnabledBar: 'at-once',
    undoesRefusedMove: true,
    commits: 'after-mapping',
  },
};

/** Every revision of cloud-hypervisor that barproof knows, oldest first. */
export const CLOUD_HYPERVISOR_REVISIONS: readonly CloudHypervisorRevision[] = [
  cloudHypervisor51,
  clampedHoles,
  cloudHypervisor53,
];
