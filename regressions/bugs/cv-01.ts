import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-trapped', cause: 'direct-in-flat-view' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['msix-trapped', 'msix-capability-consistent'];

export default definePatch({
  name: 'cv-01',
  title: 'The BAR with the MSI-X table is mapped to the guest',
  base: 'qemu-11.1',
  source: 'crosvm commit 2647a1916da0, 6 December 2019',
  device: { msixExposure: () => ({ kind: 'not-added' }) },
});
