import { definePatch } from 'barproof';

const EINVAL = 22;

/** A host that offers to mmap what is smaller than a page, and then refuses. */
export const before = definePatch({
  name: 'refused-mmaps',
  host: { mmap: (errno, _bar, area) => (area.size % 0x1000n === 0n ? errno : EINVAL) },
});

/** What there is to say about it. */
export const remark =
  'The host that offers to mmap and then refuses is made up, as in the entry: no kernel is known to do so. With the seed patch a size check refuses the device before anything is left untrapped, but where its sums of 32 bits wrap: then the table is nowhere.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'no-abort', cause: 'sound-device-refused' } as const;

/** The invariants that it breaks. */
export const breaks = ['no-abort', 'msix-trapped'];

export default definePatch({
  name: 'seed-06',
  title: 'MSI-X regions are put on an mmap that may not exist',
  base: 'qemu-11.1',
  source: 'QEMU; the seed patch, vfio_msix_parent, 15 December 2017',
  // Judged by what was asked for: the region of a refused mmap was never made, and has no size.
  device: {
    msixParent: (region) =>
      region.mmaps.length === 1 && region.mmaps[0]!.size === region.regionSize
        ? region.mmaps[0]!.region
        : region.bar,
  },
});
