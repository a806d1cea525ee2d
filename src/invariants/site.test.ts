import { describe, expect, it } from 'vitest';
import { siteOf } from './site.ts';

const OTHERWISE = 'hw/some/file.c: function';
const died = (
  error: string | undefined,
  revision = 'qemu-11.1',
  outcome: 'aborted' | 'rejected' = 'aborted',
) => siteOf({ invariant: 'no-abort', cause: 'unknown' }, { revision, outcome, error }, OTHERWISE);
const of = (revision: string, cause = 'no-abort/dma-map-ram') => {
  const [invariant, name] = cause.split('/') as ['no-abort', string];
  return siteOf({ invariant, cause: name }, { revision, outcome: 'ok', error: undefined }, OTHERWISE);
};

describe('the site of a violation', () => {
  it('is in cloud-hypervisor for its revisions, and else in QEMU', () => {
    expect(of('cloud-hypervisor-53').vmm).toBe('cloud-hypervisor');
    expect(of('qemu-11.1').vmm).toBe('QEMU');
    expect(of('QEMU 11.1.3 (Debian 1:11.1.3+ds-1)').vmm).toBe('QEMU');
  });

  it('is the first place of the table of cloud-hypervisor with the beginning of the cause', () => {
    expect(of('cloud-hypervisor-53', 'map-aligned/ram-off-host-page').place).toBe(
      'vmm/src/device_manager.rs: DeviceManager::add_vfio_device',
    );
    expect(of('cloud-hypervisor-53', 'map-aligned/device-off-page').place).toBe(
      'pci/src/vfio.rs: VfioPciDevice::map_mmio_regions',
    );
    expect(of('cloud-hypervisor-53', 'resources-bounded/addresses-lost').place).toBe(
      'vm-allocator/src/address.rs: AddressAllocator::free',
    );
  });

  it('is the place that the table names for the version', () => {
    expect(of('qemu-2.12').place).toMatch(/^hw\/vfio\/common\.c: /);
    expect(of('qemu-11.1').place).toMatch(/^hw\/vfio\/listener\.c: /);
    expect(of('QEMU 10.0.2').place).toBe(of('qemu-2.12').place);
    expect(of('QEMU 10.1.0').place).toBe(of('qemu-11.1').place);
  });

  it('is that of 2.11 for revisions of the seed, and that of the newest for an unknown version', () => {
    expect(of('seed-v2').place).toBe(of('qemu-2.11').place);
    expect(of('seed-v2+skip-corrected').place).toBe(of('qemu-2.11').place);
    expect(of('by hand').place).toBe(of('qemu-11.1').place);
  });

  it('is what the caller says for a cause that no table has', () => {
    expect(of('qemu-11.1', 'model-agrees/of-a-patch')).toEqual({ vmm: 'QEMU', place: OTHERWISE });
    expect(of('cloud-hypervisor-53', 'model-agrees/of-a-patch')).toEqual({
      vmm: 'cloud-hypervisor',
      place: OTHERWISE,
    });
  });

  it.each([
    [
      "qemu: ../system/memory.c:2670: memory_region_del_subregion: Assertion `x' failed.",
      'system/memory.c:2670: memory_region_del_subregion',
    ],
    ['ERROR:../../hw/pci/pci.c:12:pci_bar: assertion failed', 'hw/pci/pci.c:12: pci_bar'],
    ['**\nERROR:qom/object.c:900: (object_unref): assertion failed', 'qom/object.c:900: object_unref'],
  ])('is where a real VMM died, if it says so: %s', (error, place) => {
    expect(died(error, 'QEMU 11.1.3').place).toBe(place);
  });

  it('is not where a VMM died that did not die, or does not say where', () => {
    const error = "../system/memory.c:2670: memory_region_del_subregion: Assertion `x' failed.";
    expect(died(error, 'qemu-11.1', 'rejected').place).toBe(OTHERWISE);
    expect(died(undefined).place).toBe(OTHERWISE);
    expect(died('Bus error').place).toBe(OTHERWISE);
    const violation = { invariant: 'model-agrees', cause: 'unknown' } as const;
    expect(siteOf(violation, { revision: 'qemu-11.1', outcome: 'aborted', error }, OTHERWISE).place).toBe(
      OTHERWISE,
    );
  });
});
