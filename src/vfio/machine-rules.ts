/** What a version or proposal changes in the machine itself. */
export interface MachineRules {
  /**
   * pseries: the host bridge's DMA address space shows the MMIO windows, for peer-to-peer DMA. Proposed in
   * the seed thread; no release has it.
   */
  readonly mmioInPhbDmaSpace: boolean;
  /**
   * pseries: a reset takes every container for one of the kernel's, and crashes on any other
   * (machine fact 11.3).
   */
  readonly phbResetNeedsKernelContainer: boolean;
  /** pseries: the interrupt controller has registers in memory (XIVE, 3.1 and later; machine fact 11.5). */
  readonly xive: boolean;
  /** The name of the first CPU's address space (machine fact 11.5). */
  readonly cpuSpaceName: string;
}
