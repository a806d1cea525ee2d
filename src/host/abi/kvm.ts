import type { IoctlEncoding } from './ioctl-request.ts';
import { structure } from './structure.ts';

/** Structures and numbers of Linux include/uapi/linux/kvm.h. */
const KVM_TYPE = 0xae;

/** struct kvm_userspace_memory_region, and how struct kvm_userspace_memory_region2 begins. */
export const MEMORY_REGION = structure({
  ...{ slot: 'u32', flags: 'u32' },
  ...{ guest_phys_addr: 'u64', memory_size: 'u64', userspace_addr: 'u64' },
});

/** KVM_MEM_*. */
export const MEMORY_REGION_FLAGS = { LOG_DIRTY_PAGES: 1, READONLY: 2 } as const;

/** KVM_CAP_*: arguments of KVM_CHECK_EXTENSION. */
export const KVM_CAPABILITIES = {
  IRQCHIP: 0,
  HLT: 1,
  MMU_SHADOW_CACHE_CONTROL: 2,
  USER_MEMORY: 3,
  SET_TSS_ADDR: 4,
  EXT_CPUID: 7,
  CLOCKSOURCE: 8,
  NR_VCPUS: 9,
  NR_MEMSLOTS: 10,
  NOP_IO_DELAY: 12,
  MP_STATE: 14,
  SYNC_MMU: 16,
  DESTROY_MEMORY_REGION_WORKS: 21,
  SET_GUEST_DEBUG: 23,
  IRQ_ROUTING: 25,
  IRQ_INJECT_STATUS: 26,
  ASSIGN_DEV_IRQ: 29,
  JOIN_MEMORY_REGIONS_WORKS: 30,
  MCE: 31,
  IRQFD: 32,
  PIT2: 33,
  PIT_STATE2: 35,
  IOEVENTFD: 36,
  SET_IDENTITY_MAP_ADDR: 37,
  ADJUST_CLOCK: 39,
  INTERNAL_ERROR_DATA: 40,
  VCPU_EVENTS: 41,
  DEBUGREGS: 50,
  X86_ROBUST_SINGLESTEP: 51,
  XSAVE: 55,
  XCRS: 56,
  TSC_CONTROL: 60,
  MAX_VCPUS: 66,
  SIGNAL_MSI: 77,
  READONLY_MEM: 81,
  IRQFD_RESAMPLE: 82,
  DEVICE_CTRL: 89,
  VM_ATTRIBUTES: 101,
  CHECK_EXTENSION_VM: 105,
  MULTI_ADDRESS_SPACE: 118,
  IOEVENTFD_ANY_LENGTH: 122,
  IMMEDIATE_EXIT: 136,
  ARM_VM_IPA_SIZE: 165,
} as const;

/** A number of 32 bits in front of a list: struct kvm_msr_list, kvm_msrs and kvm_cpuid2. */
export const LIST_LENGTH = structure({ count: 'u32' });
/** struct kvm_cpuid2 before its entries. */
export const CPUID_LIST = structure({ nent: 'u32', padding: 'u32' });
/** struct kvm_cpuid_entry2. */
export const CPUID_ENTRY = structure({
  ...{ function: 'u32', index: 'u32', flags: 'u32' },
  ...{ eax: 'u32', ebx: 'u32', ecx: 'u32', edx: 'u32' },
  ...{ padding0: 'u32', padding1: 'u32', padding2: 'u32' },
});
/** struct kvm_create_device. */
export const CREATE_DEVICE = structure({ type: 'u32', fd: 's32', flags: 'u32' });
/** KVM_DEV_TYPE_*. */
export const KVM_DEVICE_TYPES = { VFIO: 4 } as const;

/** The requests of KVM that barproof answers with more than success, by the lowest byte of their number. */
export const KVM_NUMBERS = {
  GET_API_VERSION: 0x00,
  CREATE_VM: 0x01,
  GET_MSR_INDEX_LIST: 0x02,
  CHECK_EXTENSION: 0x03,
  GET_VCPU_MMAP_SIZE: 0x04,
  GET_SUPPORTED_CPUID: 0x05,
  GET_EMULATED_CPUID: 0x09,
  GET_MSR_FEATURE_INDEX_LIST: 0x0a,
  CREATE_VCPU: 0x41,
  SET_USER_MEMORY_REGION: 0x46,
  SET_USER_MEMORY_REGION2: 0x49,
  GET_MSRS: 0x88,
  SET_MSRS: 0x89,
  CREATE_DEVICE: 0xe0,
} as const;

/** The requests of KVM on an architecture. */
export const kvmRequests = (ioctls: IoctlEncoding) =>
  ({
    CREATE_VM: ioctls.none(KVM_TYPE, KVM_NUMBERS.CREATE_VM),
    CHECK_EXTENSION: ioctls.none(KVM_TYPE, KVM_NUMBERS.CHECK_EXTENSION),
    SET_USER_MEMORY_REGION: ioctls.write(KVM_TYPE, KVM_NUMBERS.SET_USER_MEMORY_REGION, MEMORY_REGION.bytes),
  }) as const;
