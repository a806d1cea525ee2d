// Seed thread, A. Kardashevskiy, 16 January 2018: the bits of the mask select the page number.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'skip-as-posted',
  title: 'Skip RAM whose offset or size has a bit of the page mask, as posted',
  source: 'seed thread, A. Kardashevskiy, 16 January 2018',
  base: 'seed-v2',
  listener: (base) => ({
    skip: (section, context) => {
      const masked = (section.offset | section.size) & -context.pages.host;
      return base.skip(section, context) ?? (section.region.isRam && masked !== 0n ? 'unaligned' : undefined);
    },
  }),
});
