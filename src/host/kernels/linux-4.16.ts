import type { KernelRules } from './kernel-rules.ts';
import { linux4_8 } from './linux-4.8.ts';

/** vfio-pci lets the pages of the MSI-X table be mmapped, and says so (host fact 4.4). */
export const linux4_16: KernelRules = { ...linux4_8, msixMmap: 'msix-mappable' };
