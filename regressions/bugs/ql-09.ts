import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-matches-view', cause: 'protected' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'map-matches-view',
  'map-unmap-symmetric',
  'no-abort',
  'window-limit',
  'map-aligned',
  'incremental-equals-scratch',
];

export default definePatch({
  name: 'ql-09',
  title: 'Protected memory, such as that of an enclave, is mapped for DMA',
  base: 'qemu-11.1',
  source: 'QEMU commit 56918a126ae2, 19 July 2021',
  listener: (base) => ({
    skip: (section, context) => {
      const reason = base.skip(section, context);
      return reason === 'protected' ? undefined : reason;
    },
  }),
});
