import { alignUp, definePatch, offset } from 'barproof';

const HOST_PAGE = 0x1_0000n;

/** What there is to say about it. */
export const remark =
  'Nothing overlaps in the model: its check refuses the device instead, or the PBA is not where the capability says.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'no-abort', cause: 'sound-device-refused' } as const;

/** The invariants that it breaks. */
export const breaks = ['msix-capability-consistent', 'no-abort'];

export default definePatch({
  name: 'kt-02',
  title: 'The PBA is put a page behind the table, wherever that is',
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
