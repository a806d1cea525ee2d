import { definePatch } from 'barproof';

/** Before Linux 4.6 the kernel said nothing of sparse areas: the VMM had to cut the table out by itself. */
export const before = definePatch({
  name: 'kernel-before-4.6',
  host: { regionInfo: (info) => ({ ...info, capabilities: info.capabilities.filter(({ id }) => id !== 1) }) },
});

/** What the configuration of its report shows: invariant and cause. */
export const shows = 'mmap-inside-bar/msix-page';

/** The invariants that it breaks. */
export const breaks = ['mmap-inside-bar', 'msix-trapped'];

export default definePatch({
  name: 'ch-01',
  title: 'The relocated MSI-X table is cut out of the physical BAR',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 7898, commit 9156758828dd, 25 March 2026',
  device: { fixUp: 'after-relocation' },
});
