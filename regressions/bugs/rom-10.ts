import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'missing-rom' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware'];

export default definePatch({
  name: 'rom-10',
  title: 'The guest does not see the expansion ROM',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor pull 128, 30 July 2019',
  device: { showsRom: () => false },
});
