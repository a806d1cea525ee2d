import type { MsixExposure, OptOutContext } from '../device-rules.ts';
import type { Revision } from '../revision.ts';
import { qemu211 } from './qemu-2.11.ts';

/** Disables the table's region if the machine opts out of MSI-X emulation (vfio fact 5.12). */
export const disableTableIfMachineOptsOut = ({ machineOptsOut }: OptOutContext): MsixExposure =>
  machineOptsOut ? { kind: 'table-disabled' } : { kind: 'emulated' };

/** "[PATCH qemu v2] RFC: vfio-pci: Allow mmap of MSIX BAR", as posted on 15 December 2017. */
export const seedV2: Revision = {
  ...qemu211,
  id: 'seed-v2',
  title: 'The seed patch: a BAR with an MSI-X table is mmapped whole, MSI-X emulated on top',
  source: 'seed thread, the patch; message 20171215062914.27927-1-aik@ozlabs.ru',
  device: {
    ...qemu211.device,
    honoursMsixMappable: true,
    // vfio_msix_parent does not look whether the mmap succeeded; after a refusal the area has no region.
    msixParent: (region) =>
      region.mmaps.length === 1 && region.mmaps[0]!.size === region.regionSize
        ? region.mmaps[0]!.region
        : region.bar,
    msixExposure: disableTableIfMachineOptsOut,
  },
};
