// Seed thread, D. Gibson, 19 December 2017: a property of the PCI device, which the machine's defaults set.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'device-property',
  title: 'Opt-out by a device property: the machine sets its default, and the user can override it',
  source: 'seed thread, D. Gibson, 19 December 2017',
  base: 'seed-v2',
  device: {
    msixExposure: ({ machineOptsOut, deviceOptsOut }) => ({
      kind: (deviceOptsOut ?? machineOptsOut) ? 'table-disabled' : 'emulated',
    }),
  },
});
