import { definePatch } from 'barproof';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'ram-reachable', cause: 'not-mapped' } as const;

/** The invariants that it breaks. */
export const breaks = ['ram-reachable', 'guest-page-reachable'];

export default definePatch({
  name: 'seed-02',
  title: 'The first proposed skip rule has its mask inverted and drops nearly all RAM',
  base: 'qemu-11.1',
  source: 'QEMU; reply by A. Kardashevskiy, 16 January 2018, never merged',
  // The mask has the bits set that select the page.
  listener: (base) => ({
    skip: (section, context) =>
      base.skip(section, context) ??
      (section.region.isRam && ((section.offset | section.size) & -context.pages.host) !== 0n
        ? 'unaligned'
        : undefined),
  }),
});
