import { LAST_ADDRESS } from '../address/index.ts';
import type { ApertureSpec, CpuSpec, Scenario } from './scenario.ts';

/** The addresses that AMD reserves for HyperTransport below 1 TiB (host fact R1.7.2). */
const HYPER_TRANSPORT: ApertureSpec = { start: 0xfd_0000_0000n, end: 0xff_ffff_ffffn };
/** The widest physical address of x86. */
const WIDEST_X86 = 52;
/** QEMU's default CPU of pc and q35 without KVM: qemu64, of AMD's vendor id (machine fact 11.7). */
const QEMU_DEFAULT_CPU: CpuSpec = { vendor: 'amd', physBits: 40 };

/**
 * The CPU of a scenario. One that names none has on pc and q35 the CPU that its host implies: QEMU's default CPU
 * with vfio-user, where no KVM is; else one of 52 bits, of AMD where the IOMMU leaves out HyperTransport.
 *
 * @returns `undefined` where no rule depends on the CPU: on the other machines.
 */
export function cpuOf({ machine, host }: Pick<Scenario, 'machine' | 'host'>): CpuSpec | undefined {
  if (machine.cpu !== undefined) return machine.cpu;
  if (machine.type !== 'pc' && machine.type !== 'q35') return undefined;
  if (host.iommu.type === 'vfio-user') return QEMU_DEFAULT_CPU;
  const isAmd = leavesOutHyperTransport(host.iommu.apertures ?? []);
  return { vendor: isAmd ? 'amd' : 'intel', physBits: WIDEST_X86 };
}

/** Whether the ranges hold addresses on both sides of HyperTransport, and none of it. */
function leavesOutHyperTransport(apertures: readonly ApertureSpec[]): boolean {
  const { start, end } = HYPER_TRANSPORT;
  return (
    apertures.some((range) => range.end === start - 1n) && apertures.some((range) => range.start === end + 1n)
  );
}

/** The last guest-physical address that the CPU of the scenario reaches; 2^64 - 1 where no CPU sets a limit. */
export function lastGuestAddress(scenario: Pick<Scenario, 'machine' | 'host'>): bigint {
  const cpu = cpuOf(scenario);
  return cpu === undefined ? LAST_ADDRESS : (1n << BigInt(cpu.physBits)) - 1n;
}
