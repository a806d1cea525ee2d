/** The kinds of container that QEMU puts VFIO devices into. */
export type IommuType = 'type1' | 'iommufd' | 'spapr-tce-v2' | 'vfio-user';
