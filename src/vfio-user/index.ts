/** A vfio-user server: a PCI device behind a UNIX socket, for a VMM to pass through. */
export type { MessageEffect } from './client-session.ts';
export type { Refusal } from './connection.ts';
export type { DmaRequest, LiveMapping } from './dma-request.ts';
export type { IrqSet } from './irq-set.ts';
export { UnsupportedPlatform } from './linux-system-calls.ts';
export type { RegionAccess } from './region-access.ts';
export { deviceModel, type ServedBar, type ServedDevice } from './served-device.ts';
export { SystemCallError } from './system-calls.ts';
export { VfioUserServer, type VfioUserEvents, type VfioUserServerOptions } from './vfio-user-server.ts';
