import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The report swaps the parameters of the write with which the VMM sizes the upper half, so that half reads as nothing.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'wrong-size' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware', 'access-dispatched', 'msix-trapped'];

export default definePatch({
  name: 'ch-25',
  title: 'The upper half of a 64-bit BAR is not sized, so a BAR of 4 GiB or more has a wrong size',
  base: 'cloud-hypervisor-53.0',
  source: 'cloud-hypervisor pull 653, 23 January 2020',
  cloudHypervisor: { barSize: (size) => (size < 1n << 32n ? size : 1n << 31n) },
});
