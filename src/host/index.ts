/** The Linux host: VFIO's containers and regions, IOMMU page sizes, KVM's memory slots. */
export * from './aperture.ts';
export * from './errno.ts';
export { HostAddresses } from './host-addresses.ts';
export * from './iommu-container.ts';
export * from './iommu-page-sizes.ts';
export * from './iommufd.ts';
export * from './kernels/index.ts';
export * from './kvm-architectures.ts';
export * from './kvm-memslots.ts';
export type { RegisterMemoryRequest } from './registered-memory.ts';
export * from './spapr-tce.ts';
export * from './strerror.ts';
export type { SystemCallAnswer } from './system-call-answer.ts';
export type { CreateWindowRequest, PowerPlatform, TceWindow, WindowResult } from './tce-windows.ts';
export * from './type1.ts';
export * from './vfio-pci-region.ts';
export * from './vfio-user-iommu.ts';
