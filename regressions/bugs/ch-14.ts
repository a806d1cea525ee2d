import { definePatch } from 'barproof';

/** What there is to say about it. */
export const remark = 'Marked as in need of an extension; vfio-user is modelled.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'mmap-inside-bar', cause: 'not-granted' } as const;

/** The invariants that it breaks. */
export const breaks = ['mmap-inside-bar'];

export default definePatch({
  name: 'ch-14',
  title: 'vfio-user: the whole of a BAR is mapped although the server names parts of it',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 4018; rust-vmm/vfio 7d2307de4721, 27 April 2022',
  device: { sparseAreas: () => undefined },
});
