/** The questions of the seed thread in their order, each with the proposals that answer it. */
export const QUESTIONS: readonly {
  readonly title: string;
  /** What the question is about. */
  readonly story: string;
  readonly patches: readonly string[];
}[] = [
  {
    title: 'May the BAR with the MSI-X table be mmapped whole?',
    story:
      'The MSI-X table often shares a page with registers that a driver accesses all the time. If the kernel allows ' +
      'it, the patch mmaps the whole BAR and puts the emulated table on top. On pseries, whose guests set up MSI-X ' +
      'by firmware calls, the patch switches the emulation off. The second proposal is the patch without this ' +
      'opt-out, judged against the patch: the loss is what the opt-out is worth.',
    patches: ['allow-mmap-of-msix-bar', 'no-opt-out'],
  },
  {
    title: 'Which sections should the DMA listener skip?',
    story:
      'The table cuts the BAR into pieces that are no whole pages. On ARM with 64 KiB pages the kernel refused to ' +
      'map the first piece of a ConnectX-4, and QEMU died. The author posted a rule that skips such pieces, with a ' +
      'mask that selects the wrong bits. Later mails propose the complement of the mask, the page of the IOMMU ' +
      "instead of the host's, and to skip all device memory.",
    patches: ['skip-as-posted', 'skip-corrected', 'iommu-page-skip', 'ram-device-skip'],
  },
  {
    title: 'Should QEMU die when a BAR cannot be mapped for DMA?',
    story:
      'QEMU maps device memory for peer-to-peer DMA, which most guests never use. The thread agrees that a refusal ' +
      'to map it should not end the machine.',
    patches: ['non-fatal-mmio-maps'],
  },
  {
    title: 'Peer-to-peer DMA on POWER',
    story:
      'On sPAPR the DMA address space does not show the MMIO windows, so the DMA listener sees no device memory. One ' +
      "patch shows the windows. Then every section of device memory asks for one of the host's two DMA windows. A " +
      'machine option keeps device memory out again.',
    patches: ['phb-mmio-alias', 'no-mmio-dma-map'],
  },
  {
    title: 'Who may opt out of MSI-X emulation, and what does the guest see?',
    story:
      'The thread weighs six ways to opt out. Each is judged against the seed patch, which has the first. The first ' +
      'two differ only in the place of the switch. The third lets a user of any machine reach the physical table. ' +
      'The last three leave a capability that names a table where none is.',
    patches: [
      'machine-property',
      'machine-class-method',
      'device-property',
      'skip-in-msix-init',
      'table-beyond-bar',
      'reserved-bir',
    ],
  },
  {
    title: 'What did QEMU 2.12 merge, and what is left?',
    story:
      'QEMU 2.12 skips device memory that is not made of whole IOMMU pages, and reports a refusal instead of dying. It ' +
      'also unmaps ranges that it never mapped. A listener that remembers its mappings mends that.',
    patches: ['as-merged', 'unmap-what-was-mapped'],
  },
];

/** The names of all proposals. */
export const PROPOSALS: readonly string[] = QUESTIONS.flatMap(({ patches }) => patches);
