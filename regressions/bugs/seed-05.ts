import { definePatch } from 'barproof';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'map-aligned', cause: 'ram-off-host-page' } as const;

/** The invariants that it breaks. */
export const breaks = ['map-aligned', 'no-abort', 'map-unmap-symmetric', 'guest-page-reachable'];

export default definePatch({
  name: 'seed-05',
  title: "Sections are trimmed to the emulated CPU's page, not to the host's",
  base: 'qemu-11.1',
  source: 'QEMU commit 1eb7f642750c, until March 2021; seed thread, 19 to 24 January 2018',
  listener: { alignment: ({ target }) => target },
});
