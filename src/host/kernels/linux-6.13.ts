import type { KernelRules } from './kernel-rules.ts';
import { linux6_2 } from './linux-6.2.ts';

/**
 * iommufd tests the end of the memory before the upper limit of the length (host fact R2.2.6), and lets another process
 * take over what is pinned (host fact R2.6.1).
 */
export const linux6_13: KernelRules = {
  ...linux6_2,
  iommufd: { ...linux6_2.iommufd!, checksMemoryEndFirst: true, changesProcess: true },
};
