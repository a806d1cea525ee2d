import { definePatch, type InvariantId } from 'barproof';

export { default as before } from './hosts/kernel-before-4.6.ts';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmap-inside-bar', cause: 'msix-page' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmap-inside-bar', 'msix-trapped'];

export default definePatch({
  name: 'ch-01',
  title: 'The relocated MSI-X table is cut out of the physical BAR',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 7898, commit 9156758828dd, 25 March 2026',
  device: { fixUp: 'after-relocation' },
});
