/** The Linux host: VFIO's containers and regions, IOMMU page sizes, KVM's memory slots. */
export * from './aperture.ts';
export * from './dma-buf-export.ts';
export * from './errno.ts';
export { HostAddresses } from './host-addresses.ts';
export * from './host-faults.ts';
export * from './iommu-container.ts';
export * from './iommu-page-sizes.ts';
export * from './iommufd-requests.ts';
export * from './iommufd.ts';
export * from './kernels/index.ts';
export * from './kvm-architectures.ts';
export * from './kvm-memslots.ts';
export type { RegisterMemoryRequest } from './registered-memory.ts';
export type { RequestHeader } from './request-header.ts';
export * from './spapr-requests.ts';
export * from './spapr-tce.ts';
export * from './strerror.ts';
export { failed, type SystemCallAnswer } from './system-call-answer.ts';
export {
  PSERIES_WINDOW,
  type CreateWindowRequest,
  type PowerPlatform,
  type TceWindow,
  type WindowResult,
} from './tce-windows.ts';
export * from './type1-requests.ts';
export * from './type1.ts';
export * from './user-space.ts';
export * from './vfio-pci-other-regions.ts';
export * from './vfio-pci-region.ts';
export * from './vfio-user-iommu.ts';
