import type { KernelRules } from './kernel-rules.ts';
import { linux6_2 } from './linux-6.2.ts';

/**
 * The kernel that scenarios of barproof 0.1 call `msix-mappable`: it allows the mmap of the MSI-X table's pages.
 * It answers as 6.12 does, but finds ranges that end at 2^64, as real kernels do only since 6.18 (host fact D3), and has
 * IOMMU_IOAS_CHANGE_PROCESS, as they have since 6.13 (host fact R2.6.1): QEMU 10.1 and 10.2 die of iommufd without it.
 */
export const msixMappable: KernelRules = {
  ...linux6_2,
  type1: { ...linux6_2.type1, findsEndOfSpace: true },
  iommufd: { ...linux6_2.iommufd!, changesProcess: true },
};

/** The kernel that scenarios call `sparse-msix`: the same, with the rule for MSI-X tables from before 4.16. */
export const sparseMsix: KernelRules = { ...msixMappable, msixMmap: 'sparse-msix' };

/** The names, and their rules. */
export const UNNAMED_KERNELS: ReadonlyMap<string, KernelRules> = new Map([
  ['msix-mappable', msixMappable],
  ['sparse-msix', sparseMsix],
]);
