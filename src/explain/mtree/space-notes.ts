import type { NamedView } from './view-ranges.ts';

/** Regions of QEMU's models of an IOMMU: of the translation of a device, or of the registers. */
const VIOMMUS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^smmuv3-iommu-memory-region/, 'SMMUv3'],
  [/^(?:vtd[-_]|intel_iommu)/, 'intel-iommu'],
  [/^(?:amdvi[-_]|amd_iommu)/, 'amd-iommu'],
  [/^virtio-iommu-memory-region/, 'virtio-iommu'],
  [/^riscv-iommu/, 'riscv-iommu'],
];

/** What the regions of a dump say of a vIOMMU. */
export function viommuNote(names: Iterable<string>): string | undefined {
  for (const name of names) {
    const found = VIOMMUS.find(([pattern]) => pattern.test(name));
    if (found === undefined) continue;
    return `the machine has a vIOMMU (${found[1]}): once the guest turns it on, a device behind it does DMA in an address space of its own, which the guest fills, and not in \`memory\`. What follows of DMA is for devices that bypass the vIOMMU`;
  }
  return undefined;
}

/** The spaces of a CPU in system management mode: KVM has memslots for them, or TCG emulates them. */
const OF_SMM = /^(?:KVM-SMRAM|cpu-smm-\d+)$/;

/** Whether only CPUs in system management mode have this view: VFIO does not listen to it. */
export const isOfSmm = ({ spaces }: NamedView): boolean =>
  spaces.length > 0 && spaces.every((name) => OF_SMM.test(name));

export const smmNote = ({ spaces }: NamedView): string =>
  `${spaces.join(', ')} is what a CPU sees in system management mode. VFIO does not listen to it: DMA goes by the space \`memory\`, which the text does not show`;
