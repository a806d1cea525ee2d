import { alignUp, definePatch, offset, type InvariantId } from 'barproof';

const HOST_PAGE = 0x1_0000n;

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'Table and PBA do not overlap in the model: msix_init refuses the device, or the PBA is not where the capability says.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'sound-device-refused' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['msix-capability-consistent', 'no-abort'];

export default definePatch({
  name: 'kt-02',
  title: 'The PBA is put on the page behind the table, even beyond the end of the BAR',
  base: 'qemu-11.1',
  source: 'kvmtool commit f93acc042fbd, 12 October 2021',
  device: {
    emulatedLayout: (layout) => ({
      ...layout,
      pbaBar: layout.tableBar,
      pbaOffset: offset(alignUp(layout.tableOffset + 16n * BigInt(layout.vectors), HOST_PAGE)),
    }),
  },
});
