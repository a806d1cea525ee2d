import { END_OF_SPACE, offset, type Size } from '../address/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import type { Machine, MachineOptions } from './machine.ts';
import { placeAbove4G } from './above-4g.ts';
import {
  addAlias,
  addIoRows,
  makeIoSpace,
  makeMemorySpaces,
  makeRam,
  makeRom,
  makeSystem,
  type AliasRow,
  type IoRow,
} from './memory-map.ts';

const FOUR_GIB = 1n << 32n;
const KIB = 1n << 10n;
const GIB = 1n << 30n;
const BIOS_SIZE: Size = 256n * KIB;
const ISA_BIOS_SIZE: Size = 128n * KIB;
const OPTION_ROM_SIZE: Size = 128n * KIB;
const APIC_MSI_PRIORITY = 4096;

const CHIP_SET: readonly IoRow[] = [
  [0xfec0_0000n, 0x1000n, 'ioapic'],
  [0xfed0_0000n, 0x400n, 'hpet'],
];

/** The stretches of the BIOS area for which the PAM registers choose RAM or PCI: twelve of 16 KiB, one of 64 KiB. */
const PAM_STRETCHES: readonly (readonly [start: bigint, size: Size])[] = [
  ...Array.from({ length: 12 }, (_, index) => [0xc_0000n + BigInt(index) * 0x4000n, 0x4000n] as const),
  [0xf_0000n, 0x1_0000n],
];

/** RAM below 4 GiB on pc, in bytes (hw/i386/pc_piix.c: pc_init1, machine fact 11.1). */
const belowOnPc = (ram: Size): Size => (ram >= 0xe000_0000n ? 0xc000_0000n : ram);

/** RAM below 4 GiB on q35, in bytes (hw/i386/pc_q35.c: pc_q35_init, machine fact 11.1). */
const belowOnQ35 = (ram: Size): Size => (ram >= 0xb000_0000n ? 0x8000_0000n : ram);

/** pc, with its i440FX chip set: the PAM registers are set up before the first device (machine fact 11.1). */
export const buildPc = (options: MachineOptions): Machine => {
  const { machine, showPciInBiosArea } = buildX86(options, belowOnPc(options.ram), 2n * GIB);
  showPciInBiosArea();
  return machine;
};

/** q35: until the first reset RAM shows in the BIOS area (machine fact 11.1). */
export const buildQ35 = (options: MachineOptions): Machine => {
  const { machine, showPciInBiosArea } = buildX86(options, belowOnQ35(options.ram), 32n * GIB);
  return { ...machine, reset: showPciInBiosArea };
};

/** @param hole64Size bytes of the 64-bit PCI hole where the options name none. */
function buildX86(options: MachineOptions, below: Size, hole64Size: Size) {
  const { topology, ram } = options;
  const system = makeSystem();
  const pci = MemoryRegion.container('pci', END_OF_SPACE);
  const block = makeRam(options, 'pc.ram');
  const show = (row: AliasRow): MemoryRegion => addAlias(options, system, row);
  show({ name: 'ram-below-4g', target: block, from: 0n, size: below, at: 0n });
  const above = placeAbove4G(options, ram - below, options.pciHole64Size ?? hole64Size);
  if (ram > below)
    show({ name: 'ram-above-4g', target: block, from: below, size: ram - below, at: above.start });
  // Priority -1 puts the PCI space below RAM and chips, so that a BAR shows only where there are none.
  topology.addSubregion(system, pci, offset(0n), -1);
  addFirmware(options, pci);
  const showPci = (name: string, start: bigint, size: Size): MemoryRegion =>
    show({ name, target: pci, from: start, size, at: start, priority: 1 });
  showPci('smram-region', 0xa_0000n, 0x2_0000n);
  const pam = PAM_STRETCHES.map(([start, size]) => showPci('pam-pci', start, size));
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
    refusal: above.refusal,
    reset: () => undefined,
  };
  const showPciInBiosArea = (): void =>
    topology.transaction(() => {
      for (const alias of pam) topology.setEnabled(alias, true);
    });
  return { machine, showPciInBiosArea };
}

/** The BIOS below 4 GiB, its last 128 KiB again below 1 MiB, and the option ROMs (machine fact 11.6). */
function addFirmware(options: MachineOptions, pci: MemoryRegion): void {
  const { topology } = options;
  const bios = makeRom(options, 'pc.bios', BIOS_SIZE);
  addAlias(options, pci, {
    name: 'isa-bios',
    target: bios,
    from: BIOS_SIZE - ISA_BIOS_SIZE,
    size: ISA_BIOS_SIZE,
    at: 0xe_0000n,
    priority: 1,
  });
  topology.addSubregion(pci, bios, offset(FOUR_GIB - BIOS_SIZE));
  topology.addSubregion(pci, makeRom(options, 'pc.rom', OPTION_ROM_SIZE), offset(0xc_0000n), 1);
}
