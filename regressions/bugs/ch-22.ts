import { definePatch, offset, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The server of the report has a file for each area. Here one file holds the whole BAR, so the offset is added to the right one.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmap-inside-bar', cause: 'shown-elsewhere' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmap-inside-bar', 'resources-bounded'];

export default definePatch({
  name: 'ch-22',
  title: 'vfio-user: the offset of a sparse area counts twice, once for the area and once in its file',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor pull 7822, 11 March 2026',
  device: { mmapOffset: (area) => offset(2n * area.offset) },
});
