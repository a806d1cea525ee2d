// Seed thread, A. Williamson; tried by A. Kardashevskiy, 20 December 2017: a Linux guest crashed.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'reserved-bir',
  title: 'Opt-out by a reserved BIR: the capability names no BAR',
  source: 'seed thread, A. Williamson; tried by A. Kardashevskiy, 20 December 2017',
  base: 'seed-v2',
  device: {
    msixExposure: ({ machineOptsOut, layout }) =>
      machineOptsOut
        ? { kind: 'capability-rewritten', layout: { ...layout, tableBar: 7, pbaBar: 7 } }
        : { kind: 'emulated' },
  },
});
