import { definePatch } from 'barproof';

/** The seed thread's peer-to-peer windows, with a removal that forgives as addition does. */
export const before = definePatch({
  name: 'forgiving-windows',
  machine: { mmioInPhbDmaSpace: true },
  listener: { missingWindow: 'ignored' },
});

/** What there is to say about it. */
export const remark = 'As it was on sPAPR. The proposal of 2023 for type1 would need windows of its own.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'no-abort', cause: 'dma-window' } as const;

/** The invariants that it breaks. */
export const breaks = ['no-abort', 'mmio-map-not-fatal'];

export default definePatch({
  name: 'ql-17',
  title: 'Removal asserts the window that addition did without',
  base: 'qemu-11.1',
  source: 'QEMU commit 567b5b309abe, March 2018 to November 2023',
  listener: { missingWindow: 'fatal' },
});
