import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'logged-in-vain' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["memslot-aligned-disjoint"];

export default definePatch({
  name: 'ch-28',
  title: "KVM logs dirty pages all the time, not only while a migration runs",
  base: 'qemu-11.1',
  source: "cloud-hypervisor issue 2858, pulls 2894 and 2906, July 2021",
  memslots: { logsDirtyPages: ({ region }) => region.kind === 'ram' && !region.isProtected },
});
