import type { KernelRules } from './kernel-rules.ts';
import { linux6_2 } from './linux-6.2.ts';

/**
 * The kernel that scenarios of barproof 0.1 call `msix-mappable`: it allows the mmap of the MSI-X table's pages.
 * It answers as 6.12 does, but finds ranges that end at 2^64, as real kernels do only since 6.18 (host fact D3).
 */
export const msixMappable: KernelRules = {
  ...linux6_2,
  type1: { ...linux6_2.type1, findsEndOfSpace: true },
};

/** The kernel that scenarios call `sparse-msix`: the same, with the rule for MSI-X tables from before 4.16. */
export const sparseMsix: KernelRules = { ...msixMappable, msixMmap: 'sparse-msix' };

/** The names, and their rules. */
export const UNNAMED_KERNELS: ReadonlyMap<string, KernelRules> = new Map([
  ['msix-mappable', msixMappable],
  ['sparse-msix', sparseMsix],
]);
