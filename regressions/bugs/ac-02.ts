import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-capability-consistent', cause: 'pba-emulated-elsewhere' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['msix-capability-consistent', 'no-abort'];

export default definePatch({
  name: 'ac-02',
  title: 'The VMM expects the PBA in the BAR of the table',
  base: 'qemu-11.1',
  source: 'ACRN pulls 1210 and 1947, September and November 2018',
  device: { emulatedLayout: (layout) => ({ ...layout, pbaBar: layout.tableBar }) },
});
