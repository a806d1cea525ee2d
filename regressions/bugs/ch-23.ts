import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'resources-bounded', cause: 'addresses-lost' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['resources-bounded'];

export default definePatch({
  name: 'ch-23',
  title: 'The addresses of a removed device are never handed out again',
  base: 'cloud-hypervisor-53.0',
  source: 'cloud-hypervisor pulls 886, 11 March 2020, and 3015, 25 August 2021 (vfio-user)',
  cloudHypervisor: { freesAddresses: false },
});
