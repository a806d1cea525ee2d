import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'incremental-equals-scratch',
  'msix-trapped',
  'no-needless-change',
];

export default definePatch({
  name: 'cv-04',
  title: 'A BAR is placed while memory decoding is off, even at the values written to size it',
  base: 'qemu-11.1',
  source: 'crosvm commit 479efab2f5d6, 28 October 2021',
  pci: {
    decodesWhileDisabled: true,
    decodeBar: (_type, register, size) => ({ address: register & -size }),
  },
});
