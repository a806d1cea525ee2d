import type { KernelRules } from './kernel-rules.ts';
import { linux4_8 } from './linux-4.8.ts';

/** vfio-pci allows the mmap of the MSI-X table's pages, and reports MSIX_MAPPABLE (host fact 4.4). */
export const linux4_16: KernelRules = { ...linux4_8, msixMmap: 'msix-mappable' };
