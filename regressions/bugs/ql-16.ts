import { definePatch, type InvariantId } from 'barproof';

export { default as before } from './hosts/no-4k-window.ts';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The guest of the report asks for a window with pages that the host lacks; here the host lacks those of the first window.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'window-limit', cause: 'page-not-offered' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['window-limit'];

export default definePatch({
  name: 'ql-16',
  title: 'The page of a DMA window is computed from an empty mask of page sizes',
  base: 'qemu-11.1',
  source: 'QEMU commits 79178edd2a0b, 24 March 2020, and c26bc185b763, 20 June 2018',
  container: (base) => ({
    // The count of leading zeros of 0 leads to a shift by -1, which sets the top bit.
    windowPageSize: (pages) => base.windowPageSize(pages) || 1n << 63n,
  }),
});
