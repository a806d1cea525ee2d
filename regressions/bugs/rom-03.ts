import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'rom-not-hidden' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware'];

export default definePatch({
  name: 'rom-03',
  title: 'The ROM of a card that hangs the host when it is read is shown to the guest',
  base: 'qemu-11.1',
  source: 'QEMU commit 4b9430294ed4, 26 February 2014: vfio: blacklist loading of unstable roms',
  device: { showsRom: ({ rombar }) => rombar ?? true },
});
