import { definePatch, type InvariantId } from 'barproof';

/** The base, mended first. */
export { default as before } from './hosts/read-only-bars.ts';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  "The newest release has the bug still (a known finding), so `before` mends the base first.";

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'read-only-bar-writable' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["memslot-aligned-disjoint", "map-unmap-symmetric"];

export default definePatch({
  name: 'qp-14',
  title: "The guest may write to an mmapped region that the host offers read-only",
  base: 'qemu-11.1',
  source: "QEMU series of April 2020, \"hw/vfio: let read-only flag take effect for mmap'd regions\"",
  device: { honoursWriteFlag: false },
});
