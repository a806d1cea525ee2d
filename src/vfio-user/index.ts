/**
 * A vfio-user server: a PCI device behind a UNIX socket, for a VMM to pass through to its guest. The protocol is
 * that of QEMU's docs/interop/vfio-user.rst.
 */
export type { MessageEffect } from './client-session.ts';
export { configurationSpace } from './configuration-space.ts';
export type { Refusal } from './connection.ts';
export type { DmaContainer, LiveMapping, RequestedMapping } from './dma-container.ts';
export type { DmaRequest } from './dma-request.ts';
export type { IrqSet } from './irq-set.ts';
export { UnsupportedPlatform } from './linux-system-calls.ts';
export type { RegionAccess } from './region-access.ts';
export type { RegionCapability, RegionInfo, SparseArea } from './region-info.ts';
export type { ServedBar, ServedDevice } from './served-device.ts';
export { SystemCallError } from './system-calls.ts';
export { VfioUserServer, type VfioUserEvents, type VfioUserServerOptions } from './vfio-user-server.ts';
