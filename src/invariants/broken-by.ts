import type { InvariantId } from './invariant-ids.ts';

/**
 * The invariants that each revision breaks, by the revision's id, oldest revision first.
 * `properties/revision-table.test.ts` holds a search to exactly these. The invariants of a revision stand in
 * the order of `INVARIANT_IDS`.
 */
export const BROKEN_BY: Readonly<Record<string, readonly InvariantId[]>> = {
  'qemu-2.11': [
    'map-aligned',
    'msix-direct-on-opt-out',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'guest-page-reachable',
  ],
  'seed-v2': [
    'map-aligned',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'guest-page-reachable',
  ],
  'seed-v2+skip-as-posted': [
    'map-aligned',
    'ram-reachable',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'guest-page-reachable',
  ],
  'seed-v2+skip-corrected': [
    'map-aligned',
    'ram-reachable',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'guest-page-reachable',
  ],
  'seed-v2+iommu-page-skip': [
    'map-aligned',
    'ram-reachable',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'guest-page-reachable',
  ],
  'seed-v2+ram-device-skip': [
    'map-aligned',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'no-abort',
    'guest-page-reachable',
  ],
  'seed-v2+machine-property': [
    'map-aligned',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'guest-page-reachable',
  ],
  'seed-v2+device-property': [
    'map-aligned',
    'msix-trapped',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'guest-page-reachable',
  ],
  'seed-v2+machine-class-method': [
    'map-aligned',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'guest-page-reachable',
  ],
  'seed-v2+skip-in-msix-init': [
    'map-aligned',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'msix-capability-consistent',
    'guest-page-reachable',
  ],
  'seed-v2+table-beyond-bar': [
    'map-aligned',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'msix-capability-consistent',
    'guest-page-reachable',
  ],
  'seed-v2+reserved-bir': [
    'map-aligned',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'msix-capability-consistent',
    'guest-page-reachable',
  ],
  'seed-v2+phb-mmio-alias': [
    'map-aligned',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'window-limit',
    'guest-page-reachable',
  ],
  'seed-v2+no-mmio-dma-map': [
    'map-aligned',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'mmio-map-not-fatal',
    'no-abort',
    'guest-page-reachable',
  ],
  'qemu-2.12': [
    'map-aligned',
    'msix-trapped',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'no-abort',
    'guest-page-reachable',
  ],
  'qemu-6.0': [
    'map-aligned',
    'msix-trapped',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'no-abort',
    'guest-page-reachable',
  ],
  'qemu-11.1': [
    'map-aligned',
    'msix-trapped',
    'msix-direct-on-opt-out',
    'map-matches-view',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'no-abort',
    'memslot-aligned-disjoint',
    'mmap-inside-bar',
    'guest-page-reachable',
  ],
  'cloud-hypervisor-51.0': [
    'map-aligned',
    'msix-trapped',
    'ram-reachable',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'no-abort',
    'memslot-aligned-disjoint',
    'memslot-complete',
    'mmap-inside-bar',
    'msix-capability-consistent',
    'guest-page-reachable',
  ],
  'cloud-hypervisor-51.0+clamped-holes': [
    'map-aligned',
    'msix-trapped',
    'ram-reachable',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'no-abort',
    'memslot-aligned-disjoint',
    'memslot-complete',
    'mmap-inside-bar',
    'msix-capability-consistent',
    'guest-page-reachable',
  ],
  'cloud-hypervisor-53.0': [
    'map-aligned',
    'msix-trapped',
    'ram-reachable',
    'map-unmap-symmetric',
    'incremental-equals-scratch',
    'no-abort',
    'memslot-aligned-disjoint',
    'memslot-complete',
    'mmap-inside-bar',
    'bar-as-hardware',
    'msix-capability-consistent',
    'guest-page-reachable',
  ],
};

/**
 * What a revision breaks besides, in fewer than one of 10,000 generated cases: a search may miss these. A stored case
 * shows each of them.
 */
export const RARELY_BROKEN_BY: Readonly<Record<string, readonly InvariantId[]>> = {
  'seed-v2': ['msix-trapped'],
  'seed-v2+skip-as-posted': ['msix-trapped'],
  'seed-v2+skip-corrected': ['msix-trapped'],
  'seed-v2+iommu-page-skip': ['msix-trapped'],
  'seed-v2+ram-device-skip': ['msix-trapped'],
  'seed-v2+machine-property': ['msix-trapped'],
  'seed-v2+machine-class-method': ['msix-trapped'],
  'seed-v2+skip-in-msix-init': ['msix-trapped'],
  'seed-v2+table-beyond-bar': ['msix-trapped'],
  'seed-v2+reserved-bir': ['msix-trapped'],
  'seed-v2+phb-mmio-alias': ['msix-trapped'],
  'seed-v2+no-mmio-dma-map': ['msix-trapped'],
  'qemu-11.1': ['ram-reachable'],
  'cloud-hypervisor-51.0': ['access-dispatched'],
  'cloud-hypervisor-51.0+clamped-holes': ['access-dispatched'],
  'cloud-hypervisor-53.0': ['access-dispatched'],
};

/**
 * The invariants that a revision is known to break, without those that it breaks rarely.
 *
 * @param revision id of a revision: `qemu-11.1`.
 * @returns no invariants for an id without an entry, such as that of a base with a patch on top.
 */
export const brokenBy = (revision: string): readonly InvariantId[] =>
  Object.hasOwn(BROKEN_BY, revision) ? BROKEN_BY[revision]! : [];
