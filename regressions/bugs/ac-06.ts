import { DeviceRefused, definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'sound-device-refused' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'ac-06',
  title: "A device with table and PBA in one BAR is refused",
  base: 'qemu-11.1',
  source: "ACRN issue 1222, 12 September 2018",
  device: ({ checkLocation }) => ({
    checkLocation: (layout) => {
      checkLocation(layout);
      if (layout.tableBar === layout.pbaBar) throw new DeviceRefused('failed to map the page of the PBA');
    },
  }),
});
