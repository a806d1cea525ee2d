import { VmmAbort, definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'register-bar' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["no-abort"];

export default definePatch({
  name: 'ac-10',
  title: "BARs that overlap for a moment end the VMM, as when a guest sizes one that decodes",
  base: 'qemu-11.1',
  source: "ACRN pull 3208, 31 May 2019; bhyve, SmartOS issue 901, 8 February 2020",
  memory: ({ settle }) => ({
    settle: (claims, mergeable) => {
      const bars = claims.filter(({ region }) => / base BAR \d$/.test(region.name));
      for (const [index, bar] of bars.entries()) {
        const other = bars.slice(index + 1).find(({ start, end }) => bar.start < end && start < bar.end);
        if (other !== undefined && other.region !== bar.region)
          throw new VmmAbort('register-bar', `${bar.region.name} overlaps ${other.region.name}`);
      }
      return settle(claims, mergeable);
    },
  }),
});
