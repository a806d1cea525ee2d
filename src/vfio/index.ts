/** QEMU's vfio: devices, containers, the DMA and KVM listeners, and the revisions of their rules. */
export { DmaListener } from './dma-listener.ts';
export type * from './event.ts';
export { DeviceRefused, VmmAbort, type AbortSite } from './failure.ts';
export type { HostDevice } from './host-device.ts';
export { MemslotListener } from './memslot-listener.ts';
export { MSIX_RELOCATIONS, type MsixRelocation } from './msix-relocation.ts';
export type * from './revision.ts';
export { wholeUnits, type Span } from './trim.ts';
export { NEWEST, REVISIONS, findRevision } from './revisions/index.ts';
export { VfioContainer } from './vfio-container.ts';
export { VfioDevice, type BarLayer, type DeviceEnvironment, type DeviceOptions } from './vfio-device.ts';
