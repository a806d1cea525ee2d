/** The kernel's interfaces that a VMM calls, VFIO, iommufd and KVM, as files that the host model answers. */
export { AnsweringKernel } from './answering-kernel.ts';
export { DeviceFile } from './device-file.ts';
export { GroupFile } from './group-file.ts';
export { RAM_FILE } from './host-memory.ts';
export { FIRST_CONTAINER, HostState } from './host-state.ts';
export type { OpenContainer } from './open-container.ts';
export { OfferedDevice, type OfferedAs } from './offered-device.ts';
export { answered, done, type KernelAnswer, type SystemCall } from './system-call.ts';
