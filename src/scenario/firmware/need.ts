/** The kinds of thing that a scenario may need and that no machine has as firmware sets it up. */
export const NEED_KINDS = [
  /** A machine type that QEMU does not have. */
  'machine-type',
  /** A host or guest of another architecture than the machine, by its pages or its kind of container. */
  'architecture',
  /** RAM of a size that QEMU refuses, or that is no whole number of MiB. */
  'ram',
  /** An IOMMU whose smallest page is larger than that of the host, or that translates little. */
  'iommu',
  /** A limit of DMA mappings or windows that the kernel does not have unless the user sets it. */
  'limit',
  /** A request that the kernel refuses without a reason, or never answers. */
  'fault',
  /** A device that breaks the PCI specification or the kernel's rules for mmap areas. */
  'device',
  /** Memory that the machine adds on top of system memory. */
  'overlay',
  /** Several changes in one transaction of QEMU's memory API. */
  'transaction',
  /** A BAR outside the PCI windows, off its alignment, or over another BAR. */
  'placement',
  /** A BAR changed, or memory enabled, in an order that firmware and operating systems avoid. */
  'order',
  /** An access of a CPU off its alignment. */
  'access',
] as const;
export type NeedKind = (typeof NEED_KINDS)[number];

/** One thing that a scenario needs and that no machine has as firmware sets it up. */
export interface Need {
  readonly kind: NeedKind;
  /** Follows the word "needs": `an overlay of 1 byte at 0x0`. */
  readonly text: string;
}
