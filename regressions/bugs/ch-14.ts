import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The list says that the model needs an extension for vfio-user. The model has vfio-user now.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmap-inside-bar', cause: 'not-granted' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmap-inside-bar'];

export default definePatch({
  name: 'ch-14',
  title: 'vfio-user: the whole of a BAR is mapped although the server names parts of it',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 4018; rust-vmm/vfio 7d2307de4721, 27 April 2022',
  device: { sparseAreas: () => undefined },
});
