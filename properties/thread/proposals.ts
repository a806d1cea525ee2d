/** The questions of the seed thread, and the proposals that were made for each, in their order. */
export const QUESTIONS: readonly {
  readonly title: string;
  /** What was asked, and by whom it matters. */
  readonly story: string;
  readonly patches: readonly string[];
}[] = [
  {
    title: 'May the BAR with the MSI-X table be mmapped whole?',
    story:
      'The table often shares a page with registers that a driver uses all the time. Once the kernel lets the ' +
      'whole BAR be mmapped, the patch does so and puts the emulated table on top; on pseries, where guests set ' +
      'up MSI-X by firmware calls, it does without the emulation. The second entry is the same patch without ' +
      'that opt-out, against the patch: what is lost is what the opt-out is worth.',
    patches: ['allow-mmap-of-msix-bar', 'no-opt-out'],
  },
  {
    title: 'What should the DMA listener leave alone?',
    story:
      'The table cuts the BAR into pieces that are no whole pages: on ARM with 64 KiB pages the first piece of ' +
      'a ConnectX-4 was refused and QEMU died. A rule was posted that skips such pieces; its mask selects the ' +
      'wrong bits. The replies ask for the complement, for the page of the IOMMU in place of that of the host, ' +
      'and for no device memory at all.',
    patches: ['skip-as-posted', 'skip-corrected', 'iommu-page-skip', 'ram-device-skip'],
  },
  {
    title: 'Is a BAR that cannot be mapped worth dying for?',
    story:
      'Device memory is mapped for peer-to-peer DMA, which most guests never use. The thread agrees that a ' +
      'refusal should not end the machine.',
    patches: ['non-fatal-mmio-maps'],
  },
  {
    title: 'Peer-to-peer DMA on POWER',
    story:
      'Behind sPAPR the listener sees no MMIO, until its windows are shown in the DMA address space. Then every ' +
      'section of it asks for one of the two DMA windows that there are. A machine option was to keep it out again.',
    patches: ['phb-mmio-alias', 'no-mmio-dma-map'],
  },
  {
    title: 'Who may opt out of MSI-X emulation, and what does the guest see?',
    story:
      'Six ways were weighed; all are held against the patch, which has the first of them. Two differ only in ' +
      'where the switch is. One lets a user of any machine reach the physical table. Three leave a capability ' +
      'behind that names a table where none is.',
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
    title: 'What was merged, and what it left',
    story:
      "QEMU 2.12 skips device memory that is not made of the IOMMU's pages and reports refusals. It unmaps " +
      'what it never mapped; to remember what was mapped mends that as well.',
    patches: ['as-merged', 'unmap-what-was-mapped'],
  },
];

/** All of them. */
export const PROPOSALS: readonly string[] = QUESTIONS.flatMap(({ patches }) => patches);
