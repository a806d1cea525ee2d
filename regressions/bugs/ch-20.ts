import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'ram-reachable', cause: 'not-mapped' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['ram-reachable', 'map-unmap-symmetric', 'incremental-equals-scratch', 'no-abort', 'resources-bounded', 'guest-page-reachable'];

export default definePatch({
  name: 'ch-20',
  title: 'Memory that is hot-plugged is not mapped for the devices that are there already',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 942, 20 March 2020',
  listener: ({ skip }) => ({
    skip: (section, context) =>
      context.initialized && context.change === 'add' && !section.region.isRamDevice
        ? 'hot-plugged'
        : skip(section, context),
  }),
});
