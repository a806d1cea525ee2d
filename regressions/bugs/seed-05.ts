import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-aligned', cause: 'ram-off-host-page' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['map-aligned', 'no-abort', 'map-unmap-symmetric', 'guest-page-reachable'];

export default definePatch({
  name: 'seed-05',
  title: "Sections are trimmed to the emulated CPU's page, not to the host's",
  base: 'qemu-11.1',
  source: 'QEMU commit 1eb7f642750c, until March 2021; seed thread, 19 to 24 January 2018',
  listener: { alignment: ({ target }) => target },
});
