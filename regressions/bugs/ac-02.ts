import { definePatch } from 'barproof';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'msix-capability-consistent', cause: 'pba-emulated-elsewhere' } as const;

/** The invariants that it breaks. */
export const breaks = ['msix-capability-consistent', 'no-abort'];

export default definePatch({
  name: 'ac-02',
  title: 'The PBA is looked for in the BAR of the table',
  base: 'qemu-11.1',
  source: 'ACRN pulls 1210 and 1947, September and November 2018',
  device: { emulatedLayout: (layout) => ({ ...layout, pbaBar: layout.tableBar }) },
});
