import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The lost second area alone costs only speed. The search sees the table that is no longer trapped, as in dragonball.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-trapped', cause: 'not-emulated' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'msix-trapped',
  'msix-capability-consistent',
  'memslot-complete',
];

export default definePatch({
  name: 'rv-01',
  title: 'Only the first of two sparse areas is read, and the table between them is not trapped',
  base: 'qemu-11.1',
  source: 'rust-vmm commit 8176ff7932b0, 29 October 2021; kata-containers pull 12929, 27 April 2026',
  device: (base) => ({
    sparseAreas: (areas, bar) => base.sparseAreas(areas, bar)?.slice(0, 1),
    msixExposure: (context) =>
      context.layout.tableOffset === 0n ? base.msixExposure(context) : { kind: 'table-disabled' },
  }),
});
