// QEMU 2.12: commits 567b5b309abe, fcad0d212197 and ae0215b2bb56, written as a change to the seed patch.
import { definePatch, isAligned } from 'barproof';

export default definePatch({
  name: 'as-merged',
  title: "As merged: device memory that is not made of the IOMMU's pages is skipped, a refusal reported",
  source: 'QEMU 2.12: commit 567b5b309abe and its neighbours',
  base: 'seed-v2',
  listener: {
    mapsDeviceMemory: (start, size, pages) => isAligned(start | size, pages.iommu),
    whenUnregistered: 'unmap',
    deviceMemoryFailure: 'reported',
  },
  device: { msixParent: ({ bar }) => bar },
});
