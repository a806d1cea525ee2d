import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { RegressionStore } from '../src/campaign/index.ts';
import { CLOUD_HYPERVISOR_SITES, QEMU_SITES } from '../src/invariants/site-table.ts';
import {
  COMMON_INVARIANTS,
  INVARIANT_IDS,
  fingerprintText,
  siteOf,
  violationsOf,
} from '../src/invariants/index.ts';
import { ALL_REVISIONS, runOnModel, unsuitable } from '../src/model/index.ts';

const stored = ['known', 'revisions', 'seed', 'cloud-hypervisor'].flatMap((folder) =>
  new RegressionStore(fileURLToPath(new URL(`../regressions/${folder}`, import.meta.url))).load(),
);

/** The files that each VMM had at the time, as far as a place may name them. */
const COMMON = ['hw/vfio/pci.c', 'hw/vfio/spapr.c', 'hw/pci/pci.c', 'hw/pci/msix.c', 'hw/i386/pc.c'];
const OLD = [...COMMON, 'hw/vfio/common.c', 'accel/kvm/kvm-all.c', 'hw/ppc/spapr_pci_vfio.c'];
const FILES: Readonly<Record<string, readonly string[]>> = {
  '2.11': [...OLD, 'memory.c'],
  '2.12': [...OLD, 'memory.c'],
  '6.0': [...OLD, 'softmmu/memory.c'],
  '11.1': [
    ...COMMON,
    ...['hw/vfio/listener.c', 'hw/vfio/region.c', 'hw/vfio-user/pci.c', 'accel/kvm/kvm-all.c'],
    ...['hw/ppc/spapr_pci_vfio.c', 'system/memory.c', 'hw/virtio/virtio-mem.c'],
  ],
  'cloud-hypervisor': [
    'pci/src/configuration.rs',
    'pci/src/vfio.rs',
    'vmm/src/device_manager.rs',
    'vm-allocator/src/address.rs',
  ],
};

/** The key of `FILES` for a revision. */
const filesOf = (revision: string): string =>
  revision.startsWith('cloud-hypervisor')
    ? 'cloud-hypervisor'
    : revision.startsWith('seed-v2')
      ? '2.11'
      : /\d+\.\d+/.exec(revision)![0];

describe.each(ALL_REVISIONS)('on $id, every stored case', (revision) => {
  const cases = stored.filter(({ regression }) => unsuitable(regression.scenario, revision).length === 0);

  it('comes from one function, in a file that this version has', () => {
    const allowed = FILES[filesOf(revision.id)]!;
    for (const { file, regression } of cases) {
      const trace = runOnModel(regression.scenario, revision);
      for (const violation of violationsOf(trace)) {
        const name = `${file}: ${fingerprintText(violation)}`;
        const { place, vmm } = siteOf(violation, trace);
        const [path, ...functions] = place.split(': ');
        expect(allowed, name).toContain(path);
        expect(functions, name).toEqual([expect.stringMatching(/^[A-Za-z_]\w*(::\w+)?$/)]);
        expect(vmm === 'QEMU', name).toBe(revision.vmm === undefined);
      }
    }
  });
});

describe('the table of places', () => {
  it('has a place in QEMU for each invariant that judges a model', () => {
    const hasPlace = (id: string): boolean =>
      QEMU_SITES.some(([cause]) => cause.startsWith(`${id}/`) || `${id}/`.startsWith(cause));
    expect(COMMON_INVARIANTS.map(({ id }) => id).filter((id) => !hasPlace(id))).toEqual([]);
  });
});

describe('the place of a cause', () => {
  const place = (cause: string, revision: string) => {
    const [invariant, name] = cause.split('/') as [(typeof INVARIANT_IDS)[number], string];
    return siteOf({ invariant, cause: name }, { revision }).place;
  };

  it.each([
    ['no-abort/dma-map-ram-EINVAL', 'seed-v2+skip-as-posted', 'hw/vfio/common.c: vfio_listener_region_add'],
    ['no-abort/dma-map-ram-EINVAL', 'qemu-11.1', 'hw/vfio/listener.c: vfio_container_region_add'],
    ['no-abort/memslot-EINVAL-beyond-cpu-width', 'qemu-11.1', 'accel/kvm/kvm-all.c: kvm_set_phys_mem'],
    ['map-aligned/ram-range-unaligned', 'qemu-6.0', 'hw/vfio/common.c: vfio_listener_region_add'],
    ['map-aligned/ram-range-unaligned', 'qemu-11.1', 'hw/vfio/listener.c: vfio_get_section_iova_range'],
    ['no-abort/msix-unplug-assertion', 'qemu-11.1', 'system/memory.c: memory_region_del_subregion'],
    ['map-aligned/registration-unaligned', 'qemu-11.1', 'hw/vfio/spapr.c: vfio_prereg_listener_region_add'],
    ['resources-bounded/registration-left', 'qemu-2.11', 'hw/vfio/spapr.c: vfio_prereg_listener_region_del'],
    ['window-limit/window-too-short', 'qemu-6.0', 'hw/vfio/spapr.c: vfio_spapr_create_window'],
    ['flat-minimal/mergeable', 'qemu-6.0', 'softmmu/memory.c: flatview_simplify'],
    ['flat-minimal/mergeable', 'QEMU 2.8.1', 'memory.c: flatview_simplify'],
    [
      'map-aligned/ram-x',
      'cloud-hypervisor-53.0',
      'vmm/src/device_manager.rs: DeviceManager::add_vfio_device',
    ],
  ])('of %s on %s is %s', (cause, revision, expected) => {
    expect(place(cause, revision)).toBe(expected);
  });

  it('is in the table for every invariant that judges a modelled VMM, on both VMMs', () => {
    for (const id of INVARIANT_IDS.filter((other) => other !== 'model-agrees')) {
      const has = (table: readonly (readonly [string, unknown])[]) =>
        table.some(([cause]) => `${id}/`.startsWith(cause) || cause.startsWith(`${id}/`));
      expect([id, has(QEMU_SITES)]).toEqual([id, true]);
      if (id !== 'window-limit') expect([id, has(CLOUD_HYPERVISOR_SITES)]).toEqual([id, true]);
    }
  });

  it.each([
    [
      "qemu-system-x86_64: ../system/memory.c:2670: memory_region_del_subregion: Assertion `x' failed.",
      'system/memory.c:2670: memory_region_del_subregion',
    ],
    [
      'ERROR:../hw/vfio/region.c:301:vfio_region_mmap: assertion failed',
      'hw/vfio/region.c:301: vfio_region_mmap',
    ],
    ['SIGSEGV', 'accel/kvm/kvm-all.c: kvm_set_phys_mem'],
  ])('is the place that a dying QEMU names: %s', (error, expected) => {
    const violation = { invariant: 'no-abort', cause: 'memslot-EINVAL' } as const;
    expect(siteOf(violation, { revision: '11.1.3', outcome: 'aborted', error }).place).toBe(expected);
    expect(siteOf(violation, { revision: '11.1.3', outcome: 'ok', error }).place).not.toContain(':301');
  });
});
