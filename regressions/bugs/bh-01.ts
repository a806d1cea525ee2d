import { DeviceRefused, definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark = 'bhyve spares I/O BARs. The rule does not know the kind of a BAR, so here they are refused, too.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'sound-device-refused' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'bh-01',
  title: 'A device with a BAR smaller than a page is refused',
  base: 'qemu-11.1',
  source: 'bhyve, FreeBSD review D52013, August 2025',
  device: ({ registeredSize }) => ({
    registeredSize: (size, bar) => {
      if (size < 0x1000n) throw new DeviceRefused('base or size of a BAR is not aligned to pages');
      return registeredSize(size, bar);
    },
  }),
});
