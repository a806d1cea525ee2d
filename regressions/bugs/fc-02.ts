import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The base is a release in which table and mmap areas lie in the same region, so their priorities decide.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-trapped', cause: 'in-memslot' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['msix-trapped'];

export default definePatch({
  name: 'fc-02',
  title: "The host's sparse areas are mmapped although the MSI-X table lies in one of them",
  base: 'qemu-2.11',
  source: 'firecracker pull 6114, 27 August 2026',
  // The mmap gets a higher priority than the emulated table, so it hides the table.
  device: { mmapPriority: 1 },
});
