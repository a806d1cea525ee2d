import { KVM_CAPABILITIES } from '../../host/abi/index.ts';
import type { KernelRules } from '../../host/index.ts';

const C = KVM_CAPABILITIES;

/** The capabilities without a value that QEMU needs, or that make it use the ways of a usual host. */
const PRESENT: ReadonlySet<number> = new Set([
  ...[C.IRQCHIP, C.HLT, C.MMU_SHADOW_CACHE_CONTROL, C.USER_MEMORY, C.SET_TSS_ADDR, C.EXT_CPUID],
  ...[C.CLOCKSOURCE, C.MP_STATE, C.SYNC_MMU, C.DESTROY_MEMORY_REGION_WORKS, C.IRQ_INJECT_STATUS],
  ...[C.ASSIGN_DEV_IRQ, C.JOIN_MEMORY_REGIONS_WORKS, C.IRQFD, C.PIT2, C.PIT_STATE2, C.IOEVENTFD],
  ...[C.SET_IDENTITY_MAP_ADDR, C.ADJUST_CLOCK, C.INTERNAL_ERROR_DATA, C.VCPU_EVENTS, C.DEBUGREGS],
  ...[C.X86_ROBUST_SINGLESTEP, C.XSAVE, C.XCRS, C.SIGNAL_MSI, C.READONLY_MEM, C.DEVICE_CTRL],
  ...[C.IOEVENTFD_ANY_LENGTH, C.SET_GUEST_DEBUG, C.VM_ATTRIBUTES, C.CHECK_EXTENSION_VM, C.IMMEDIATE_EXIT],
  ...[C.IRQFD_RESAMPLE],
]);

/** The capabilities with a value. QEMU asks for at least 10 banks of machine checks. */
const VALUES: ReadonlyMap<number, number> = new Map([
  [C.MCE, 32],
  [C.NR_VCPUS, 8],
  [C.MAX_VCPUS, 255],
  [C.IRQ_ROUTING, 4096],
  // One: QEMU then takes system management mode for absent, whose memory no scenario shows.
  [C.MULTI_ADDRESS_SPACE, 1],
]);

/** KVM_CHECK_EXTENSION; 0 for a capability that this host has not. */
export const capabilityOf = (capability: number, { kvm }: KernelRules): number =>
  capability === C.NR_MEMSLOTS
    ? kvm.slotLimit('x86')
    : (VALUES.get(capability) ?? (PRESENT.has(capability) ? 1 : 0));
