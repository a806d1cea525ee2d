import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-mapped-outside-d0' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['incremental-equals-scratch'];

export default definePatch({
  name: 'ov-02',
  title: 'The BARs of a device that leaves D0 stay mapped',
  base: 'qemu-11.1',
  source: 'openvmm pull 3609, 3 June 2026',
  pci: { decodesOutsideD0: true },
});
