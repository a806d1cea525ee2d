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
  /**
   * pc and q35: with a CPU of AMD, RAM above 4 GiB moves to 1 TiB if it would reach HyperTransport (7.1 and later;
   * machine fact 11.7).
   */
  readonly avoidsHyperTransport: boolean;
  /** pc and q35: QEMU refuses to start if the CPU cannot address the 64-bit PCI hole (7.1; machine fact 11.7). */
  readonly checksPhysBits: boolean;
  /** pseries: the interrupt controller has registers in memory (XIVE, 3.1 and later; machine fact 11.5). */
  readonly xive: boolean;
  /** The name of the first CPU's address space (machine fact 11.5). */
  readonly cpuSpaceName: string;
}
