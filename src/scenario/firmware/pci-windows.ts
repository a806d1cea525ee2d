import { alignUp, type Range, type Size } from '../../address/index.ts';
import { cpuOf } from '../cpu.ts';
import type { MachineType, Scenario } from '../scenario.ts';

const [MIB, GIB, TIB] = [1n << 20n, 1n << 30n, 1n << 40n];
const FOUR_GIB = 1n << 32n;
/** The IOAPIC, above which firmware of a PC puts no BAR. */
const IO_APIC = 0xfec0_0000n;
/** Firmware of q35 keeps 256 MiB for PCI configuration space from 0xb0000000 on. */
const LEAST_X86 = 0xc000_0000n;
/** AMD's IOMMU reserves the addresses from here to 1 TiB for HyperTransport (machine fact 11.7). */
const HYPER_TRANSPORT = 0xfd_0000_0000n;
/** The default of `pci-hole64-size`. */
const HOLE_64: Readonly<Record<'pc' | 'q35', Size>> = { pc: 2n * GIB, q35: 32n * GIB };
/** The high regions of virt begin here, or above RAM (machine fact 11.2). */
const VIRT_HIGH = 256n * GIB;

/** The bus addresses at which firmware puts memory BARs. */
export interface PciWindows {
  /** Below 4 GiB: every BAR fits here by its type. */
  readonly low: Range;
  /** Above 4 GiB, for 64-bit BARs; `undefined` where the machine has no such window. */
  readonly high: Range | undefined;
}

type Placed = Pick<Scenario, 'machine' | 'host' | 'revision'>;

/**
 * The PCI windows of the scenario's machine. cloud-hypervisor, which runs only on `generic`, has windows of its own
 * (arch/src/x86_64/layout.rs).
 */
export function pciWindows(scenario: Placed): PciWindows {
  return isCloudHypervisor(scenario) ? CLOUD_HYPERVISOR(scenario) : WINDOWS[scenario.machine.type](scenario);
}

/** Whether the scenario is for a revision of cloud-hypervisor, which has one machine of its own. */
export const isCloudHypervisor = ({ revision }: Pick<Scenario, 'revision'>): boolean =>
  revision.startsWith('cloud-hypervisor');

const WINDOWS: Readonly<Record<MachineType, (scenario: Placed) => PciWindows>> = {
  pc: (scenario) =>
    onX86(scenario, scenario.machine.ram >= 0xe000_0000n ? LEAST_X86 : scenario.machine.ram, 'pc'),
  q35: (scenario) =>
    onX86(scenario, scenario.machine.ram >= 0xb000_0000n ? 0x8000_0000n : scenario.machine.ram, 'q35'),
  virt: onVirt,
  // Bus addresses of the first PCI host bridge (machine fact 11.3).
  pseries: () => ({
    low: { start: 0x8000_0000n, end: FOUR_GIB },
    high: { start: 33n * TIB, end: 34n * TIB },
  }),
  generic: ({ machine }) => ({
    low: { start: LEAST_X86, end: FOUR_GIB },
    high: { start: alignUp(machine.ram > FOUR_GIB ? machine.ram : FOUR_GIB, GIB), end: TIB },
  }),
};

const CLOUD_HYPERVISOR = ({ machine: { ram } }: Placed): PciWindows => ({
  low: { start: 3n * GIB, end: 3n * GIB + 640n * MIB },
  high: { start: FOUR_GIB + (ram > 3n * GIB ? ram - 3n * GIB : 0n), end: (1n << 46n) - 0x1_0000n },
});

/** @param below bytes of RAM below 4 GiB (machine fact 11.1). */
function onX86({ machine, host }: Placed, below: Size, type: 'pc' | 'q35'): PciWindows {
  const low = { start: below > LEAST_X86 ? alignUp(below, MIB) : LEAST_X86, end: IO_APIC };
  const cpu = cpuOf({ machine, host })!;
  const above = alignUp(machine.ram - below, GIB);
  const isMoved =
    cpu.vendor === 'amd' && FOUR_GIB + above + (machine.pciHole64Size ?? HOLE_64[type]) > HYPER_TRANSPORT;
  return { low, high: upTo(cpu.physBits, { start: (isMoved ? TIB : FOUR_GIB) + above, size: undefined }) };
}

/** The windows of Arm's virt: the high one is aligned to its own size (machine facts 11.2 and 11.8). */
function onVirt({ machine }: Placed): PciWindows {
  const { ram, cpu, highmemMmioSize = 512n * GIB } = machine;
  const afterRam = alignUp(GIB + ram, GIB);
  // In front of the window lie redistributors of the GIC, CXL and configuration space: 512 MiB with their alignment.
  const free = (afterRam > VIRT_HIGH ? afterRam : VIRT_HIGH) + 512n * MIB;
  const start = alignUp(free, highmemMmioSize);
  return {
    low: { start: 0x1000_0000n, end: 0x3eff_0000n },
    high: upTo(cpu?.physBits ?? 64, { start, size: highmemMmioSize }),
  };
}

/** The window from `start` on; `undefined` where the CPU does not address all of it. */
function upTo(
  physBits: number,
  { start, size }: { start: bigint; size: Size | undefined },
): Range | undefined {
  const addressable = 1n << BigInt(physBits);
  const end = size === undefined ? addressable : start + size;
  return start < end && end <= addressable ? { start, end } : undefined;
}
