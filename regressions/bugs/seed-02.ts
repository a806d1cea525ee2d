import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'ram-reachable', cause: 'not-mapped' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['ram-reachable', 'guest-page-reachable'];

export default definePatch({
  name: 'seed-02',
  title: 'The first proposed skip rule has its mask inverted and leaves nearly all RAM unmapped',
  base: 'qemu-11.1',
  source: 'QEMU; reply by A. Kardashevskiy, 16 January 2018, never merged',
  // `-pages.host` has the bits of the page number set, so the rule skips all RAM of a page or more.
  listener: (base) => ({
    skip: (section, context) =>
      base.skip(section, context) ??
      (section.region.isRam && ((section.offset | section.size) & -context.pages.host) !== 0n
        ? 'unaligned'
        : undefined),
  }),
});
