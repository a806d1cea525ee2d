import { DeviceRefused, definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'In the report the device model runs in a domain of its own, which has no access to the ROM.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'sound-device-refused' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'rom-08',
  title: 'A device with an expansion ROM is refused',
  base: 'qemu-11.1',
  source: 'QubesOS issue 2386, 20 October 2016',
  device: {
    showsRom: ({ rombar }) => {
      if (rombar !== false) throw new DeviceRefused('the expansion ROM cannot be opened');
      return false;
    },
  },
});
