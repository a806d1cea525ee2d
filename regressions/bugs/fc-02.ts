import { definePatch } from 'barproof';

/** What there is to say about it. */
export const remark =
  'On the release in which the table lies in the same region as the mmaps, so that their priority decides.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'msix-trapped', cause: 'in-memslot' } as const;

/** The invariants that it breaks. */
export const breaks = ['msix-trapped'];

export default definePatch({
  name: 'fc-02',
  title: 'Sparse areas of the host are taken although the MSI-X table lies in one',
  base: 'qemu-2.11',
  source: 'firecracker pull 6114, 27 August 2026',
  // An mmap is not what the emulated table is put on top of: it goes before it.
  device: { mmapPriority: 1 },
});
