// A question that the thread leaves open: must removal unmap only what addition has mapped?
import { definePatch, isAligned } from 'barproof';

export default definePatch({
  name: 'unmap-what-was-mapped',
  title: 'As merged, and only what the host has mapped is unmapped again',
  source: 'open question: must a skipped section be remembered?',
  base: 'seed-v2',
  listener: {
    mapsDeviceMemory: (start, size, pages) => isAligned(start | size, pages.iommu),
    unmaps: (_section, _piece, mapped) => mapped,
    whenUnregistered: 'unmap',
    deviceMemoryFailure: 'reported',
  },
  device: { msixParent: ({ bar }) => bar },
});
