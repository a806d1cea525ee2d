import { decodeScenario, type DeviceWay, type Scenario } from '../scenario/index.ts';
import type { QemuMachineType } from './process/architecture.ts';
import { hostPageSize } from './shim/host-page-size.ts';

/** Where the guest puts the BAR: a free address of the 32-bit PCI window. */
const BAR_AT: Readonly<Record<QemuMachineType, string>> = {
  pc: '0xe0000000',
  q35: '0xe0000000',
  virt: '0x10000000',
  pseries: '0x80000000',
};

/**
 * A scenario that every QEMU completes which can be judged at all: one card, whose only BAR the guest places. A QEMU
 * without firmware, or with a device that never comes up, does not.
 */
export function trivialScenario(type: QemuMachineType, way: DeviceWay): Scenario {
  const page = `0x${hostPageSize().toString(16)}`;
  const kernelType = type === 'pseries' ? 'spapr-tce-v2' : 'type1';
  return decodeScenario({
    version: 1,
    machine: { type, ram: '0x10000000', hostPageSize: page },
    host: {
      kernel: 'msix-mappable',
      iommu: { type: way === 'vfio-user' ? way : kernelType, pageSizes: [page] },
    },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x10000', type: 'mem32' }] }],
    operations: [
      { op: 'set-bar', device: 'dev0', bar: 0, address: BAR_AT[type] },
      { op: 'enable-memory', device: 'dev0' },
    ],
  });
}
