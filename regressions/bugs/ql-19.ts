import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'ram-over-hyper-transport' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'ql-19',
  title: 'RAM of a large guest lies over the addresses below 1 TiB that AMD keeps for HyperTransport',
  base: 'qemu-11.1',
  source: 'QEMU, "i386/pc: relocate 4g start to 1T where applicable", July 2022 (7.1)',
  machine: { avoidsHyperTransport: false },
});
