import type { MachineType, Scenario } from './scenario.ts';

/** How a real QEMU reaches the devices of a scenario: over vfio-user, or by the kernel's own interface. */
export type DeviceWay = 'vfio-user' | 'kernel';

export const DEVICE_WAYS: readonly DeviceWay[] = ['vfio-user', 'kernel'];

/** The machine types for scenarios of each way. */
export type MachinesByWay<Type extends MachineType = MachineType> = Readonly<
  Record<DeviceWay, readonly Type[]>
>;

/** The way in which a real QEMU reaches the devices of a scenario. */
export const wayOf = ({ host }: Scenario): DeviceWay =>
  host.iommu.type === 'vfio-user' ? 'vfio-user' : 'kernel';
