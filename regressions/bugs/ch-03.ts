import { definePatch, offset } from 'barproof';

/** What there is to say about it. */
export const remark =
  'The first of three mistakes. The other two are about accesses, which the model does not carry out.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'msix-trapped', cause: 'direct-in-flat-view' } as const;

/** The invariants that it breaks. */
export const breaks = ['msix-trapped', 'msix-capability-consistent', 'msix-direct-on-opt-out', 'no-abort'];

export default definePatch({
  name: 'ch-03',
  title: 'The offset of the MSI-X table is shifted right by the three bits of the BIR',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor pull 139, commit a548a0142331, 1 August 2019',
  device: {
    emulatedLayout: (layout) => ({ ...layout, tableOffset: offset((layout.tableOffset >> 6n) << 3n) }),
  },
});
