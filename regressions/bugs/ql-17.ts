import { definePatch, type InvariantId } from 'barproof';

/** MMIO in the sPAPR DMA space, as in the seed thread, on a listener that ignores a missing window at removal. */
export const before = definePatch({
  name: 'forgiving-windows',
  machine: { mmioInPhbDmaSpace: true },
  listener: { missingWindow: 'ignored' },
});

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The bug as it was on sPAPR. The proposal of 2023 for type1 needs windows that type1 containers do not have.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'dma-window' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort', 'mmio-map-not-fatal'];

export default definePatch({
  name: 'ql-17',
  title: 'Removal asserts that a window exists, although addition went on without one',
  base: 'qemu-11.1',
  source: 'QEMU commit 567b5b309abe, March 2018 to November 2023',
  listener: { missingWindow: 'fatal' },
});
