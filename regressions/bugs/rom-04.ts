import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'QEMU found the property among the options of -device alone. Here it finds it nowhere.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'missing-rom' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware'];

export default definePatch({
  name: 'rom-04',
  title: "The user's rombar=1 is overlooked for a card whose ROM QEMU hides",
  base: 'qemu-11.1',
  source: 'QEMU commit a7a3784128fa, 12 February 2024: hw/pci: Use -1 as the default value for rombar',
  device: (base) => ({
    showsRom: ({ vendor, device, rombar }) =>
      rombar !== false && base.showsRom({ vendor, device, rombar: undefined }),
  }),
});
