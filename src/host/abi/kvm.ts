import type { IoctlEncoding } from './ioctl-request.ts';
import { structure } from './structure.ts';

/** Structures and numbers of Linux include/uapi/linux/kvm.h. */
const KVM_TYPE = 0xae;

/** struct kvm_userspace_memory_region. */
export const MEMORY_REGION = structure({
  ...{ slot: 'u32', flags: 'u32' },
  ...{ guest_phys_addr: 'u64', memory_size: 'u64', userspace_addr: 'u64' },
});

/** KVM_MEM_*. */
export const MEMORY_REGION_FLAGS = { LOG_DIRTY_PAGES: 1, READONLY: 2 } as const;

/** KVM_CAP_*: arguments of KVM_CHECK_EXTENSION. */
export const KVM_CAPABILITIES = {
  NR_MEMSLOTS: 10,
  READONLY_MEM: 81,
  MULTI_ADDRESS_SPACE: 118,
  ARM_VM_IPA_SIZE: 165,
} as const;

/** The requests of KVM on an architecture. */
export const kvmRequests = (ioctls: IoctlEncoding) =>
  ({
    CREATE_VM: ioctls.none(KVM_TYPE, 0x01),
    CHECK_EXTENSION: ioctls.none(KVM_TYPE, 0x03),
    SET_USER_MEMORY_REGION: ioctls.write(KVM_TYPE, 0x46, MEMORY_REGION.bytes),
  }) as const;
