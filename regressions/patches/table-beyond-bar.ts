// Seed thread, A. Williamson; tried by A. Kardashevskiy, 20 December 2017, in a BAR of 64 KiB.
import { definePatch, offset } from 'barproof';

export default definePatch({
  name: 'table-beyond-bar',
  title: 'Opt-out by table and PBA offsets beyond the end of the BAR',
  source: 'seed thread, A. Williamson; tried by A. Kardashevskiy, 20 December 2017',
  base: 'seed-v2',
  device: {
    msixExposure: ({ machineOptsOut, layout }) =>
      machineOptsOut
        ? {
            kind: 'capability-rewritten',
            layout: { ...layout, tableOffset: offset(0xff_0000n), pbaOffset: offset(0xff_f000n) },
          }
        : { kind: 'emulated' },
  },
});
