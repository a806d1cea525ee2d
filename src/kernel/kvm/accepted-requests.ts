import { Errno } from '../../host/index.ts';
import { answered, done, type IoctlCall, type KernelAnswer } from '../system-call.ts';

/**
 * Requests of KVM that succeed without an effect: nothing of a CPU, an interrupt or a timer shows in a run whose guest
 * never runs. By the lowest byte of the number, which some share (include/uapi/linux/kvm.h).
 */
const ACCEPTED = {
  /** /dev/kvm. */
  system: {
    GET_MSRS: 0x88,
    X86_GET_MCE_CAP_SUPPORTED: 0x9d,
  },
  /** A virtual machine. */
  machine: {
    SET_TSS_ADDR: 0x47,
    SET_IDENTITY_MAP_ADDR: 0x48,
    CREATE_IRQCHIP: 0x60,
    IRQ_LINE: 0x61,
    GET_IRQCHIP: 0x62,
    SET_IRQCHIP: 0x63,
    IRQ_LINE_STATUS: 0x67,
    SET_GSI_ROUTING: 0x6a,
    REINJECT_CONTROL: 0x71,
    IRQFD: 0x76,
    CREATE_PIT2: 0x77,
    SET_BOOT_CPU_ID: 0x78,
    IOEVENTFD: 0x79,
    SET_CLOCK: 0x7b,
    GET_CLOCK: 0x7c,
    GET_PIT2: 0x9f,
    SET_PIT2: 0xa0,
    ENABLE_CAP: 0xa3,
    SIGNAL_MSI: 0xa5,
    CREATE_DEVICE_ATTRIBUTES: 0xe3,
  },
  /** A virtual CPU. */
  cpu: {
    GET_REGS: 0x81,
    SET_REGS: 0x82,
    GET_SREGS: 0x83,
    SET_SREGS: 0x84,
    INTERRUPT: 0x86,
    GET_MSRS: 0x88,
    SET_MSRS: 0x89,
    SET_SIGNAL_MASK: 0x8b,
    GET_FPU: 0x8c,
    SET_FPU: 0x8d,
    GET_LAPIC: 0x8e,
    SET_LAPIC: 0x8f,
    SET_CPUID2: 0x90,
    TPR_ACCESS_REPORTING: 0x92,
    SET_VAPIC_ADDR: 0x93,
    GET_MP_STATE: 0x98,
    SET_MP_STATE: 0x99,
    NMI: 0x9a,
    SET_GUEST_DEBUG: 0x9b,
    X86_SETUP_MCE: 0x9c,
    X86_SET_MCE: 0x9e,
    GET_VCPU_EVENTS: 0x9f,
    SET_VCPU_EVENTS: 0xa0,
    GET_DEBUGREGS: 0xa1,
    SET_DEBUGREGS_OR_TSC_KHZ: 0xa2,
    GET_TSC_KHZ_OR_ENABLE_CAP: 0xa3,
    GET_XSAVE: 0xa4,
    SET_XSAVE: 0xa5,
    GET_XCRS: 0xa6,
    SET_XCRS: 0xa7,
    KVMCLOCK_CTRL: 0xad,
  },
  /** A device of KVM, such as the one of VFIO. */
  device: {
    SET_DEVICE_ATTR: 0xe1,
    GET_DEVICE_ATTR: 0xe2,
    HAS_DEVICE_ATTR: 0xe3,
  },
} as const;

/** The files of KVM. */
export type KvmFileKind = keyof typeof ACCEPTED;

const NUMBERS: Readonly<Record<KvmFileKind, ReadonlySet<number>>> = {
  system: new Set(Object.values(ACCEPTED.system)),
  machine: new Set(Object.values(ACCEPTED.machine)),
  cpu: new Set(Object.values(ACCEPTED.cpu)),
  device: new Set(Object.values(ACCEPTED.device)),
};

/** Requests of later kernels, which a kernel refuses with ENOTTY that does not have them: KVM_GET_STATS_FD. */
const REFUSED: ReadonlySet<number> = new Set([0xce]);

/**
 * The answer to a request of KVM that has no effect here.
 *
 * @returns nothing for a request that barproof does not know on this file.
 */
export function answerWithoutEffect(file: KvmFileKind, { number }: IoctlCall): KernelAnswer | undefined {
  if (REFUSED.has(number)) return answered(Errno.ENOTTY);
  return NUMBERS[file].has(number) ? done() : undefined;
}
