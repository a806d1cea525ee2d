// Seed thread, D. Gibson, December 2017: `needs_msix_emulation` in the machine class, which no user can set.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'machine-class-method',
  title: 'Opt-out by a method of the machine class',
  source: 'seed thread, D. Gibson, December 2017',
  base: 'seed-v2',
  device: {
    msixExposure: ({ machineOptsOut }) => ({ kind: machineOptsOut ? 'table-disabled' : 'emulated' }),
  },
});
