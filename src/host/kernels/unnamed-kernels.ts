import type { KernelRules } from './kernel-rules.ts';
import { linux6_2 } from './linux-6.2.ts';

/**
 * A kernel of no version, which lets the pages of the MSI-X table be mmapped: what scenarios of barproof 0.1
 * mean by `msix-mappable`. It answers as 6.12 does and yet finds what ends at 2^64, which no kernel did before
 * 6.18 (host fact D3).
 */
export const msixMappable: KernelRules = {
  ...linux6_2,
  type1: { ...linux6_2.type1, findsEndOfSpace: true },
};

/** The same kernel with the rule for MSI-X tables of before 4.16: what `sparse-msix` means. */
export const sparseMsix: KernelRules = { ...msixMappable, msixMmap: 'sparse-msix' };

/** The names, and their rules. */
export const UNNAMED_KERNELS: ReadonlyMap<string, KernelRules> = new Map([
  ['msix-mappable', msixMappable],
  ['sparse-msix', sparseMsix],
]);
