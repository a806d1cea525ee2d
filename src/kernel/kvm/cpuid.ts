/** An entry of KVM_GET_SUPPORTED_CPUID. Fields that are left out are 0. */
interface CpuidEntry {
  readonly function: number;
  readonly eax?: number;
  readonly ebx?: number;
  readonly ecx?: number;
  readonly edx?: number;
}

/** "GenuineIntel" and "KVMKVMKVM", in the order of the registers EBX, EDX, ECX and EBX, ECX, EDX. */
const INTEL = { ebx: 0x756e_6547, edx: 0x4965_6e69, ecx: 0x6c65_746e };
const KVM_SIGNATURE = { ebx: 0x4b4d_564b, ecx: 0x564b_4d56, edx: 0x4d };

/**
 * The features of a CPU that can be QEMU's `qemu64`: long mode, SSE2, NX, SYSCALL, APIC, and the clocks of KVM. The
 * width of an address in 0x80000008 does not matter: QEMU is told the width of the scenario.
 */
export const CPUID: readonly CpuidEntry[] = [
  { function: 0, eax: 0xd, ...INTEL },
  { function: 1, eax: 0x663, ebx: 0x800, ecx: 0x8020_2001, edx: 0x078b_fbfd },
  { function: 7 },
  { function: 0xd },
  { function: 0x8000_0000, eax: 0x8000_000a },
  { function: 0x8000_0001, eax: 0x663, ecx: 0x1, edx: 0x2191_abfd },
  { function: 0x8000_0008, eax: 0x3034 },
  { function: 0x4000_0000, eax: 0x4000_0001, ...KVM_SIGNATURE },
  { function: 0x4000_0001, eax: 0x0100_007b },
];
