// Seed thread, 16 January 2018, as its author meant the rule: the mask selects the bits within a page.
import { definePatch, isAligned } from 'barproof';

export default definePatch({
  name: 'skip-corrected',
  title: 'Skip RAM that is not made of whole host pages: the complement of the mask',
  source: 'seed thread, 16 January 2018, with the mask complemented',
  base: 'seed-v2',
  listener: (base) => ({
    skip: (section, context) => {
      const whole = isAligned(section.offset | section.size, context.pages.host);
      return base.skip(section, context) ?? (section.region.isRam && !whole ? 'unaligned' : undefined);
    },
  }),
});
