import { definePatch } from 'barproof';

/** A host whose IOMMU has no pages of 4 KiB, while the guest's windows have: a guest may ask for such a window. */
export default definePatch({
  name: 'no-4k-window',
  host: { pageSizes: (hardware) => (hardware === 0x1000n ? hardware : hardware & ~0x1000n) },
});
