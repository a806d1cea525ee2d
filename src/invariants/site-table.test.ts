import { describe, expect, it } from 'vitest';
import { QEMU_SITES } from './site-table.ts';

const placesAt = (version: number): readonly string[] => QEMU_SITES.map(([, place]) => place(version));

describe('the places in QEMU', () => {
  it.each([205, 211, 502, 600, 800, 802, 900, 1000, 1001, 1101])('have a file at version %i', (version) => {
    for (const place of placesAt(version)) expect(place).toMatch(/\w+\.[ch]\b/);
  });

  it('are in no file that the version does not have', () => {
    expect(placesAt(1000).join()).not.toMatch(/hw\/vfio\/(listener|region)\.c/);
    expect(placesAt(1001).join()).not.toContain('hw/vfio/common.c');
    expect(placesAt(801).join()).not.toContain('system/memory.c');
    expect(placesAt(802).join()).not.toMatch(/(^|,|; )(softmmu\/)?memory\.c/);
  });

  const placeOf = (cause: string, version: number): string => {
    const found = QEMU_SITES.find(([start]) => cause.startsWith(start));
    return found![1](version);
  };

  it.each([
    ['flat-minimal/x', 501, 'memory.c: flatview_simplify', 502, 'softmmu/memory.c: flatview_simplify'],
    ['flat-minimal/x', 801, 'softmmu/memory.c: flatview_simplify', 802, 'system/memory.c: flatview_simplify'],
    [
      'access-dispatched/',
      501,
      'exec.c: address_space_translate_internal',
      502,
      'softmmu/physmem.c: address_space_translate_internal',
    ],
    [
      'access-dispatched/',
      801,
      'softmmu/physmem.c: address_space_translate_internal',
      802,
      'system/physmem.c: address_space_translate_internal',
    ],
    [
      'ram-reachable/unexplained',
      702,
      'hw/vfio/common.c: vfio_listener_region_add',
      800,
      'hw/vfio/common.c: vfio_get_section_iova_range',
    ],
    [
      'ram-reachable/unexplained',
      1000,
      'hw/vfio/common.c: vfio_get_section_iova_range',
      1001,
      'hw/vfio/listener.c: vfio_get_section_iova_range',
    ],
    [
      'no-abort/dma-window-refused',
      802,
      'hw/vfio/spapr.c: vfio_spapr_create_window',
      900,
      'hw/vfio/spapr.c: vfio_spapr_container_add_section_window',
    ],
    [
      'no-abort/dma-window',
      802,
      'hw/vfio/common.c: vfio_listener_region_del',
      900,
      'hw/vfio/spapr.c: vfio_spapr_container_del_section_window',
    ],
    [
      'no-abort/hotplug-refusal-segfault',
      1000,
      'hw/vfio/pci.c: vfio_realize',
      1001,
      'hw/vfio/pci.c: vfio_pci_realize',
    ],
    [
      'msix-direct-on-opt-out/rest-of-page-trapped',
      1000,
      'hw/vfio/pci.c: vfio_pci_fixup_msix_region',
      1001,
      'hw/vfio-user/pci.c: vfio_user_msix_setup',
    ],
    [
      'map-aligned/x',
      1000,
      'hw/vfio/common.c: vfio_listener_region_add',
      1001,
      'hw/vfio/listener.c: vfio_container_region_add',
    ],
    [
      'resources-bounded/mmaps-left',
      1000,
      'hw/vfio/common.c: vfio_region_mmap',
      1001,
      'hw/vfio/region.c: vfio_region_mmap',
    ],
  ] as const)('of %s is until %d in %s, and from %d on in %s', (of, last, before, first, after) => {
    expect(placeOf(of, last)).toBe(before);
    expect(placeOf(of, first)).toBe(after);
  });
});
