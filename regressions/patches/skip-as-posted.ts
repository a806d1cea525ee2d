// Seed thread, A. Kardashevskiy, 16 January 2018: the mask has the bits set that select the page.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'skip-as-posted',
  base: 'seed-v2',
  listener: (base) => ({
    skip: (section, context) =>
      base.skip(section, context) ??
      (section.region.isRam && ((section.offset | section.size) & -context.pages.host) !== 0n
        ? 'unaligned'
        : undefined),
  }),
});
