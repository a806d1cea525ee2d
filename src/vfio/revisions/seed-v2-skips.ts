import { low64 } from '../../address/index.ts';
import { seedV2 } from './seed-v2.ts';
import { offsetOrSizeHas, withSkipRule } from './skip-rules.ts';

/**
 * The rule exactly as posted. It tests with `qemu_real_host_page_mask`, whose set bits select the page
 * number, so it skips RAM of a page or more, and RAM at an offset of a page or more.
 */
export const skipAsPosted = withSkipRule(
  seedV2,
  {
    id: 'seed-v2+skip-as-posted',
    title: 'The seed patch with the skip rule as posted: its mask is inverted',
    source: 'seed thread, A. Kardashevskiy, 16 January 2018',
  },
  (section, { pages }) =>
    section.region.isRam && offsetOrSizeHas(section, low64(-pages.host)) ? 'unaligned' : undefined,
);

/** The rule as its author meant it: it skips RAM that is not made of whole host pages. */
export const skipCorrected = withSkipRule(
  seedV2,
  {
    id: 'seed-v2+skip-corrected',
    title: 'The seed patch with the skip rule as meant: the complement of the mask',
    source: 'seed thread, 16 January 2018, with the mask complemented',
  },
  (section, { pages }) =>
    section.region.isRam && offsetOrSizeHas(section, pages.host - 1n) ? 'unaligned' : undefined,
);

/** The next correction in the thread: the IOMMU's page instead of the host's. */
export const iommuPageSkip = withSkipRule(
  seedV2,
  {
    id: 'seed-v2+iommu-page-skip',
    title: "The seed patch, skipping RAM that is not made of the IOMMU's pages",
    source: 'seed thread, A. Williamson, 18 January 2018, and the reply of 19 January',
  },
  (section, { pages }) =>
    section.region.isRam && offsetOrSizeHas(section, pages.iommu - 1n) ? 'unaligned' : undefined,
);

/** Skips all device memory: the author's attempt to keep MMIO out of sPAPR's windows. */
export const ramDeviceSkip = withSkipRule(
  seedV2,
  {
    id: 'seed-v2+ram-device-skip',
    title: 'The seed patch, skipping device memory altogether: no peer-to-peer DMA',
    source: 'seed thread, A. Kardashevskiy, 19 January 2018',
  },
  (section) => (section.region.isRamDevice ? 'ram-device' : undefined),
);
