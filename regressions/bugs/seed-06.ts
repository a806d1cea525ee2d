import { definePatch, type InvariantId } from 'barproof';

const EINVAL = 22;

/** A host that offers an mmap of an area off the page size, and then refuses the mmap with EINVAL. */
export const before = definePatch({
  name: 'refused-mmaps',
  host: { mmap: (errno, _bar, area) => (area.size % 0x1000n === 0n ? errno : EINVAL) },
});

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  "The host is made up, as in the list: no kernel is known to offer an mmap and then refuse it. With the seed patch a size check refuses the device before any byte is left untrapped. The check's sums of 32 bits can wrap; then no region of the table exists.";

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'sound-device-refused' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort', 'msix-trapped'];

export default definePatch({
  name: 'seed-06',
  title: 'MSI-X regions are put on an mmap that may not exist',
  base: 'qemu-11.1',
  source: 'QEMU; the seed patch, vfio_msix_parent, 15 December 2017',
  // vfio_msix_parent tests the requested size of the mmap. After a refusal the mmap has no region.
  device: {
    msixParent: (region) =>
      region.mmaps.length === 1 && region.mmaps[0]!.size === region.regionSize
        ? region.mmaps[0]!.region
        : region.bar,
  },
});
