// Seed thread, "[PATCH qemu v2] RFC: vfio-pci: Allow mmap of MSIX BAR", A. Kardashevskiy, 15 December 2017.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'allow-mmap-of-msix-bar',
  title: 'The seed patch: the BAR with the MSI-X table is mmapped whole, MSI-X emulated on top',
  source: 'seed thread, the patch',
  base: 'qemu-2.11',
  device: {
    honoursMsixMappable: true,
    msixParent: ({ bar, mmaps, regionSize }) =>
      mmaps.length === 1 && mmaps[0]!.size === regionSize ? mmaps[0]!.region : bar,
    msixExposure: ({ machineOptsOut }) => ({ kind: machineOptsOut ? 'table-disabled' : 'emulated' }),
  },
});
