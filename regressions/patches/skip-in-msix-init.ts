// Seed thread, D. Gibson and A. Williamson, December 2017: msix_init makes no regions.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'skip-in-msix-init',
  title: 'Opt-out inside msix_init: the regions are not made, the capability stays',
  source: 'seed thread, D. Gibson and A. Williamson, December 2017',
  base: 'seed-v2',
  device: {
    msixExposure: ({ machineOptsOut }) => ({ kind: machineOptsOut ? 'not-added' : 'emulated' }),
  },
});
