import { Errno } from './errno.ts';

/** What KVM's memory slots have of their own on an architecture. */
export interface KvmArchitectureRules {
  /** The address spaces of a machine: x86 has a second one for system management mode (host fact D17). */
  readonly addressSpaces: number;
  /** KVM_CAP_READONLY_MEM (host fact K4). */
  readonly supportsReadonly: boolean;
  /** The error for a slot above the widest guest-physical address (host fact K14). */
  readonly aboveLastGpa: Errno;
  /** Whether KVM logs dirty pages of a slot over the mmap of a BAR (host fact D15). */
  readonly logsDeviceMemory: boolean;
}

/** The architectures on which the slots of KVM are modelled. */
export type KvmArchitecture = 'x86' | 'arm64' | 'power' | 'loongarch';

/** The rules of each architecture. No KVM on POWER compares a slot with the width of an address. */
export const KVM_ARCHITECTURES: Readonly<Record<KvmArchitecture, KvmArchitectureRules>> = {
  x86: { addressSpaces: 2, supportsReadonly: true, aboveLastGpa: Errno.EINVAL, logsDeviceMemory: true },
  arm64: { addressSpaces: 1, supportsReadonly: true, aboveLastGpa: Errno.EFAULT, logsDeviceMemory: false },
  power: { addressSpaces: 1, supportsReadonly: false, aboveLastGpa: Errno.EINVAL, logsDeviceMemory: true },
  loongarch: { addressSpaces: 1, supportsReadonly: true, aboveLastGpa: Errno.ENOMEM, logsDeviceMemory: true },
};
