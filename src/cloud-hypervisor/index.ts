/** cloud-hypervisor: how it places BARs, what it maps of them, and the revisions of its rules. */
export { CloudHypervisor, type CloudHypervisorOptions, type DeviceConfig } from './cloud-hypervisor.ts';
export { DeviceManagerError } from './device-manager-error.ts';
export type { CloudHypervisorRevision, CloudHypervisorRules } from './revision.ts';
export { CLOUD_HYPERVISOR_REVISIONS } from './revisions.ts';
export { VfioOps } from './vfio-ops.ts';
export type { VfioPciDevice } from './vfio-pci-device.ts';
