import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'resized-in-vain' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware'];

export default definePatch({
  name: 'qp-09',
  title: 'The guest sees the resizable BAR capability, although the sizes of BARs are fixed',
  base: 'qemu-11.1',
  source: 'QEMU commit 3412d8ec9810, 13 June 2019; crosvm commit b847d547e439, 3 June 2022',
  device: { resizableBar: 'as-device' },
});
