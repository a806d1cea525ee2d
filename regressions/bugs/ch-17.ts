import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'relocation-without-msix' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'ch-17',
  title: 'Relocation crashes on a device without an MSI-X capability',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 5649, commit 363b478040c8, 5 August 2023',
  device: { relocationWithoutMsix: 'crash' },
});
