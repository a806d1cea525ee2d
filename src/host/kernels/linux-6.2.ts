import type { KernelRules } from './kernel-rules.ts';
import { linux5_18 } from './linux-5.18.ts';

/** The first kernel with iommufd (host fact 0.1). */
export const linux6_2: KernelRules = {
  ...linux5_18,
  iommufd: { checksMemoryEndFirst: false, mapsDmaBufOfBar: false, changesProcess: false },
};
