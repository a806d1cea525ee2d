import { definePatch, type InvariantId } from 'barproof';

const FIRST_OF_A_DEVICE = 100;

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'number-in-use' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'memslot-aligned-disjoint',
  'no-abort',
  'msix-trapped',
  'resources-bounded',
  'access-dispatched',
];

export default definePatch({
  name: 'ch-12',
  title: 'Devices use the same slot numbers, and slots outlive the BARs behind them',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor commits d92d79789607, 24 July 2019, and f0dff8b58c3b, 11 March 2020',
  memslots: (base) => ({
    // The slot number is the number of the BAR: two devices use the same slots.
    slotNumber: ({ region }, unused) =>
      region.isRamDevice ? FIRST_OF_A_DEVICE + Number(/BAR (\d)/.exec(region.name)?.[1] ?? 0) : unused,
    span: (section, pages, change) =>
      change === 'remove' && section.region.isRamDevice ? undefined : base.span(section, pages, change),
  }),
});
