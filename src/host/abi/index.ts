/** The memory layout of the kernel's interfaces to VFIO, iommufd and KVM: structures, flags and numbers. */
export * from './capability-chain.ts';
export * from './ioctl-request.ts';
export * from './iommufd.ts';
export * from './kvm.ts';
export * from './region-info.ts';
export * from './spapr-tce.ts';
export * from './structure.ts';
export * from './vfio.ts';
