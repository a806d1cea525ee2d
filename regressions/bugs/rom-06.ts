import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['incremental-equals-scratch'];

export default definePatch({
  name: 'rom-06',
  title: 'The expansion ROM is mapped although its enable bit is clear',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 7538, 3 December 2025',
  pci: { honoursRomEnable: false },
});
