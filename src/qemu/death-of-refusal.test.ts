import { expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { deathOfRefusal } from './death-of-refusal.ts';

const on = (iommu: string): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x20000000' },
    revision: 'qemu-11.1',
    host: { kernel: 'msix-mappable', iommu: { type: iommu } },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
    operations: [{ op: 'hotplug', device: 'dev0' }],
  });
const plug = { op: 'hotplug', device: 'dev0' } as const;
const wild = { error: undefined, site: 'sigsegv' };
const counting = {
  error: 'Bail out! ERROR:../qom/object.c:1228:object_unref: assertion failed: (obj->ref > 0)',
  site: 'sigabrt',
};

it.each([
  wild,
  counting,
  { error: undefined, site: 'sigsegv-in-object_class_get_parent' },
  { error: undefined, site: 'hotplug-refusal-segfault' },
])('takes $site after a hot-plug over vfio-user for the use of freed regions', (death) => {
  expect(deathOfRefusal(death, plug, on('vfio-user'))).toEqual({
    error: undefined,
    site: 'hotplug-refusal-segfault',
  });
});

it.each([
  ['of another operation', wild, { op: 'reset' } as const, 'vfio-user'],
  ['of the start', wild, { op: 'start' } as const, 'vfio-user'],
  ["by the kernel's interface", wild, plug, 'type1'],
  ['in a function', { error: undefined, site: 'sigsegv-in-pci_bus_reset' }, plug, 'vfio-user'],
  [
    'of another assertion',
    { error: 'ERROR:../a.c:1:f: assertion failed: (x)', site: 'sigabrt' },
    plug,
    'vfio-user',
  ],
  ['that is no death of memory', { error: 'QEMU hangs', site: 'hang' }, plug, 'vfio-user'],
])('leaves a death %s as it is', (_, death, operation, iommu) => {
  expect(deathOfRefusal(death, operation, on(iommu))).toBe(death);
});
