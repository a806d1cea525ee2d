import { definePatch } from 'barproof';

/** What there is to say about it. */
export const remark =
  'The lost second area alone costs nothing but speed. What is seen is the table that is no longer trapped, as in dragonball.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'msix-trapped', cause: 'not-emulated' } as const;

/** The invariants that it breaks. */
export const breaks = ['msix-trapped', 'msix-capability-consistent'];

export default definePatch({
  name: 'rv-01',
  title: 'Only the first sparse area is read, and the table between the two is not trapped',
  base: 'qemu-11.1',
  source: 'rust-vmm commit 8176ff7932b0, 29 October 2021; kata-containers pull 12929, 27 April 2026',
  device: (base) => ({
    sparseAreas: (areas, bar) => base.sparseAreas(areas, bar)?.slice(0, 1),
    msixExposure: (context) =>
      context.layout.tableOffset === 0n ? base.msixExposure(context) : { kind: 'table-disabled' },
  }),
});
