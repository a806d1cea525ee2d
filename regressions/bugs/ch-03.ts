import { definePatch, offset, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The first of three mistakes in the report. The other two concern accesses, which the model does not carry out.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-trapped', cause: 'direct-in-flat-view' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'msix-trapped',
  'msix-capability-consistent',
  'msix-direct-on-opt-out',
  'no-abort',
  'access-dispatched',
];

export default definePatch({
  name: 'ch-03',
  title: 'The offset of the MSI-X table is shifted right by the three bits of the BIR',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor pull 139, commit a548a0142331, 1 August 2019',
  device: {
    emulatedLayout: (layout) => ({ ...layout, tableOffset: offset((layout.tableOffset >> 6n) << 3n) }),
  },
});
