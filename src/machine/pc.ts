import { END_OF_SPACE, offset, type Size } from '../address/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import type { Machine, MachineOptions } from './machine.ts';
import {
  addIoRows,
  makeIoSpace,
  makeMemorySpaces,
  makeRam,
  makeRom,
  makeSystem,
  type IoRow,
} from './memory-map.ts';

const FOUR_GIB = 1n << 32n;
const KIB = 1n << 10n;
const BIOS_SIZE: Size = 256n * KIB;
const ISA_BIOS_SIZE: Size = 128n * KIB;
const OPTION_ROM_SIZE: Size = 128n * KIB;
const APIC_MSI_PRIORITY = 4096;

const CHIP_SET: readonly IoRow[] = [
  [0xfec0_0000n, 0x1000n, 'ioapic'],
  [0xfed0_0000n, 0x400n, 'hpet'],
];

/** The stretches of the BIOS area whose target the chip set's PAM registers choose: twelve of 16K, one of 64K. */
const PAM_STRETCHES: readonly (readonly [start: bigint, size: Size])[] = [
  ...Array.from({ length: 12 }, (_, index) => [0xc_0000n + BigInt(index) * 0x4000n, 0x4000n] as const),
  [0xf_0000n, 0x1_0000n],
];

/** RAM below 4 GiB on i440FX, in bytes (hw/i386/pc_piix.c: pc_init1). */
const belowOnPc = (ram: Size): Size => (ram >= 0xe000_0000n ? 0xc000_0000n : ram);

/** RAM below 4 GiB on Q35, in bytes (hw/i386/pc_q35.c: pc_q35_init). */
const belowOnQ35 = (ram: Size): Size => (ram >= 0xb000_0000n ? 0x8000_0000n : ram);

/** i440FX (machine fact 11.1): its PAM registers are set up before the first device is. */
export const buildPc = (options: MachineOptions): Machine => {
  const { machine, showPciInBiosArea } = buildX86(options, belowOnPc(options.ram));
  showPciInBiosArea();
  return machine;
};

/** Q35 (machine fact 11.1): until the first reset RAM shows in the BIOS area. */
export const buildQ35 = (options: MachineOptions): Machine => {
  const { machine, showPciInBiosArea } = buildX86(options, belowOnQ35(options.ram));
  return { ...machine, reset: showPciInBiosArea };
};

function buildX86(options: MachineOptions, below: Size) {
  const { topology, ram } = options;
  const system = makeSystem();
  const pci = MemoryRegion.container('pci', END_OF_SPACE);
  const blocks = makeRam(options, 'pc.ram');
  const addAlias = (
    name: string,
    target: MemoryRegion,
    from: bigint,
    size: Size,
    at: bigint,
    priority = 0,
  ) => {
    const alias = MemoryRegion.alias(name, target, offset(from), size);
    topology.addSubregion(system, alias, offset(at), priority);
    return alias;
  };
  addAlias('ram-below-4g', blocks, 0n, below, 0n);
  if (ram > below) addAlias('ram-above-4g', blocks, below, ram - below, FOUR_GIB);
  // The PCI space lies behind RAM, so that a BAR shows wherever there is no RAM.
  topology.addSubregion(system, pci, offset(0n), -1);
  addFirmware(options, pci);
  addAlias('smram-region', pci, 0xa_0000n, 0x2_0000n, 0xa_0000n, 1);
  const pam = PAM_STRETCHES.map(([start, size]) => addAlias('pam-pci', pci, start, size, start, 1));
  for (const alias of pam) topology.setEnabled(alias, false);
  addIoRows(options, system, CHIP_SET);
  topology.addSubregion(
    system,
    MemoryRegion.io('apic-msi', 0x10_0000n),
    offset(0xfee0_0000n),
    APIC_MSI_PRIORITY,
  );
  const memory = makeMemorySpaces(options, system);
  const machine: Machine = {
    system,
    memory,
    bus: { topology, memory: pci, io: makeIoSpace(options), dmaSpace: memory, addressZeroAllowed: false },
    optsOutOfMsixEmulation: false,
    reset: () => undefined,
  };
  const showPciInBiosArea = (): void =>
    topology.transaction(() => {
      for (const alias of pam) topology.setEnabled(alias, true);
    });
  return { machine, showPciInBiosArea };
}

/** BIOS at the top of 4 GiB, its end again below 1 MiB, space for option ROMs (machine fact 11.6). */
function addFirmware(options: MachineOptions, pci: MemoryRegion): void {
  const { topology } = options;
  const bios = makeRom(options, 'pc.bios', BIOS_SIZE);
  const isaBios = MemoryRegion.alias('isa-bios', bios, offset(BIOS_SIZE - ISA_BIOS_SIZE), ISA_BIOS_SIZE);
  topology.addSubregion(pci, isaBios, offset(0xe_0000n), 1);
  topology.addSubregion(pci, bios, offset(FOUR_GIB - BIOS_SIZE));
  topology.addSubregion(pci, makeRom(options, 'pc.rom', OPTION_ROM_SIZE), offset(0xc_0000n), 1);
}
