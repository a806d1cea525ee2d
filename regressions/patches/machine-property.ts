// Seed thread, the patch: a boolean property of the machine, `vfio-no-msix-emulation`, that vfio-pci reads.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'machine-property',
  title: 'Opt-out by a machine property: the seed patch as it is',
  source: 'seed thread, the patch',
  base: 'seed-v2',
  device: {
    msixExposure: ({ machineOptsOut }) => ({ kind: machineOptsOut ? 'table-disabled' : 'emulated' }),
  },
});
