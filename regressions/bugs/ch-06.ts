import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['incremental-equals-scratch', 'no-needless-change'];

export default definePatch({
  name: 'ch-06',
  title: 'A BAR moves when its register is written, not when memory is enabled',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor commits aaf86ef20955 and 8da7c13e261d, 12 May 2025',
  pci: { decodesWhileDisabled: true },
});
