import type { CpuSpec, MachineSpec } from '../scenario/index.ts';

const VENDOR_IDS = { intel: 'GenuineIntel', amd: 'AuthenticAMD' } as const;
const HOST_BRIDGES = { pc: 'i440FX-pcihost', q35: 'q35-pcihost' } as const;

/** QEMU's arguments for the CPU and the PCI windows of a machine (machine facts 11.7 and 11.8). */
export function windowArguments({
  type,
  cpu,
  pciHole64Size,
  highmemMmioSize,
}: Pick<MachineSpec, 'type' | 'pciHole64Size' | 'highmemMmioSize'> & {
  readonly cpu?: CpuSpec | undefined;
}): readonly string[] {
  const words: string[] = [];
  if (type === 'pc' || type === 'q35') {
    if (cpu?.vendor === 'intel' || cpu?.vendor === 'amd') {
      words.push('-cpu', `qemu64,vendor=${VENDOR_IDS[cpu.vendor]},phys-bits=${cpu.physBits}`);
    }
    if (pciHole64Size !== undefined) {
      words.push('-global', `${HOST_BRIDGES[type]}.pci-hole64-size=${pciHole64Size}`);
    }
  }
  if (highmemMmioSize !== undefined) words.push('-machine', `highmem-mmio-size=${highmemMmioSize}`);
  return words;
}
