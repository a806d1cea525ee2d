import type { KernelRules } from './kernel-rules.ts';
import { linux5_12 } from './linux-5.12.ts';

/** KVM on x86 refuses a slot above the CPU's address width (kvm_mmu_max_gfn, host fact K14). */
export const linux5_18: KernelRules = {
  ...linux5_12,
  kvm: { ...linux5_12.kvm, refusesSlotsAboveWidthOnX86: true },
};
