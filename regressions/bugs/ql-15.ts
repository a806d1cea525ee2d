import { definePatch } from 'barproof';

/** Without the defect, which the newest release still has: only what is mapped is unmapped. */
export const before = definePatch({
  name: 'unmaps-what-is-mapped',
  listener: { unmaps: (_section, _piece, mapped) => mapped },
});

/** What there is to say about it. */
export const remark =
  'The newest release still asks for such unmaps (a known finding), and its iommufd backend hides the answer. So the base is mended first, and the bug is what the release does.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'map-unmap-symmetric', cause: 'unmap-after-refused-device-memory' } as const;

/** The invariants that it breaks. */
export const breaks = ['map-unmap-symmetric'];

export default definePatch({
  name: 'ql-15',
  title: 'Unmaps of what the host had refused to map',
  base: 'qemu-11.1',
  source: 'QEMU commit 6e6d8ac62b, 21 November 2023: iommufd answers ENOENT where type1 answered success',
  listener: { unmaps: () => true },
});
