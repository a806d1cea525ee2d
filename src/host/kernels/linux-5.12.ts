import type { KvmArchitecture } from '../kvm-architectures.ts';
import type { KernelRules } from './kernel-rules.ts';
import { linux5_4 } from './linux-5.4.ts';

/** 32,767 slots, less those that KVM reserves (host fact K3). */
const SLOTS: Readonly<Record<KvmArchitecture, number>> = {
  x86: 32764,
  arm64: 32767,
  power: 32767,
  loongarch: 32767,
};

/**
 * KVM has 32,767 slots (host fact R6.1.3). type1 lets the VMM replace virtual addresses, and removes all mappings in one
 * call (host facts R1.5.4 and 0.1).
 */
export const linux5_12: KernelRules = {
  ...linux5_4,
  type1: { ...linux5_4.type1, replacesAddresses: true },
  kvm: { ...linux5_4.kvm, slotLimit: (architecture) => SLOTS[architecture] },
};
