import { definePatch, type InvariantId } from 'barproof';

/** A base without the defect, which the newest release still has: the listener unmaps only what it has mapped. */
export const before = definePatch({
  name: 'unmaps-what-is-mapped',
  listener: { unmaps: (_section, _piece, mapped) => mapped },
});

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The newest release still asks for such unmaps (a known finding), and its iommufd backend hides the answer. So `before` mends the base first, and the bug is what the release does.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-unmap-symmetric', cause: 'unmap-after-refused-device-memory' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['map-unmap-symmetric'];

export default definePatch({
  name: 'ql-15',
  title: 'Unmaps of what the host had refused to map',
  base: 'qemu-11.1',
  source: 'QEMU commit 6e6d8ac62b, 21 November 2023: iommufd answers ENOENT where type1 answered success',
  listener: { unmaps: () => true },
});
