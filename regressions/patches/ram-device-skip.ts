// Seed thread, A. Kardashevskiy, 19 January 2018: the listener skips all device memory.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'ram-device-skip',
  title: 'Skip device memory altogether: no peer-to-peer DMA',
  source: 'seed thread, A. Kardashevskiy, 19 January 2018',
  base: 'seed-v2',
  listener: (base) => ({
    skip: (section, context) =>
      base.skip(section, context) ?? (section.region.isRamDevice ? 'ram-device' : undefined),
  }),
});
