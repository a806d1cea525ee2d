import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'resources-bounded', cause: 'slot-numbers-grow' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['resources-bounded'];

export default definePatch({
  name: 'ch-21',
  title: 'Each hot-plug takes new slot numbers, until KVM has no more',
  base: 'cloud-hypervisor-53.0',
  source: 'cloud-hypervisor pull 6842, 21 November 2024',
  cloudHypervisor: { slotReuse: 'never' },
});
