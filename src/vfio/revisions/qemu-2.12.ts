import { isAligned } from '../../address/index.ts';
import type { Revision } from '../revision.ts';
import { qemu211 } from './qemu-2.11.ts';
import { disableTableIfMachineOptsOut } from './seed-v2.ts';

/** The release that merged the outcome of the seed thread, of April 2018. */
export const qemu212: Revision = {
  ...qemu211,
  id: 'qemu-2.12',
  title: 'QEMU 2.12: what was merged of the seed thread',
  source: 'QEMU 2.12.0: commits ae0215b2bb56, fcad0d212197, 567b5b309abe, 89d5202edc50',
  listener: {
    ...qemu211.listener,
    mapsDeviceMemory: (start, size, { iommu }) => isAligned(start | size, iommu),
    whenUnregistered: 'unmap',
    deviceMemoryFailure: 'reported',
  },
  device: {
    ...qemu211.device,
    honoursMsixMappable: true,
    baseRegion: true,
    msixParent: ({ base }) => base,
    msixExposure: disableTableIfMachineOptsOut,
    relocation: true,
    hotplugMsixRefusal: 'crash',
  },
  machine: { ...qemu211.machine, cpuSpaceName: 'cpu-memory-0' },
};
