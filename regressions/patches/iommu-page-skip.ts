// Seed thread, A. Williamson, 18 January 2018: the skip rule tests the page of the IOMMU, not of the host.
import { definePatch, isAligned } from 'barproof';

export default definePatch({
  name: 'iommu-page-skip',
  title: "Skip RAM that is not made of whole pages of the container's IOMMU",
  source: 'seed thread, A. Williamson, 18 January 2018',
  base: 'seed-v2',
  listener: (base) => ({
    skip: (section, context) => {
      const whole = isAligned(section.offset | section.size, context.pages.iommu);
      return base.skip(section, context) ?? (section.region.isRam && !whole ? 'unaligned' : undefined);
    },
  }),
});
