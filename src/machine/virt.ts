import { END_OF_SPACE, alignUp, offset, type Size } from '../address/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import { RAM_ALIGNMENT, type Machine, type MachineOptions } from './machine.ts';
import {
  addAlias,
  addIoRows,
  makeIoSpace,
  makeMemorySpaces,
  makeRam,
  makeSystem,
  type IoRow,
} from './memory-map.ts';

const MIB = 1n << 20n;
const GIB = 1n << 30n;
const RAM_START = GIB;
/** The high regions begin here or above RAM, so that all machines with little RAM have the same memory map. */
const HIGH_REGIONS_START = 256n * GIB;
const FLASH_SIZE: Size = 64n * MIB;

const DEVICES: readonly IoRow[] = [
  [0x0800_0000n, 0x1000n, 'gic_dist'],
  [0x0801_0000n, 0x2000n, 'gic_cpu'],
  [0x0802_0000n, 0x1000n, 'gicv2m'],
  [0x0900_0000n, 0x1000n, 'pl011'],
  [0x0901_0000n, 0x1000n, 'pl031'],
  [0x0902_0000n, 0x8n, 'fwcfg.data'],
  [0x0902_0008n, 0x2n, 'fwcfg.ctl'],
  [0x0902_0010n, 0x8n, 'fwcfg.dma'],
  [0x0903_0000n, 0x1000n, 'pl061'],
  ...Array.from({ length: 32 }, (_, index): IoRow => [
    0x0a00_0000n + BigInt(index) * 0x200n,
    0x200n,
    'virtio-mmio',
  ]),
];

/** Arm's `virt` (machine fact 11.2; hw/arm/virt.c: base_memmap, virt_set_high_memmap). */
export function buildVirt(options: MachineOptions): Machine {
  const { topology, ram, reserve } = options;
  const system = makeSystem();
  for (const [index, name] of ['virt.flash0', 'virt.flash1'].entries()) {
    const flash = MemoryRegion.romDevice(name, FLASH_SIZE, {
      hostAddress: reserve(FLASH_SIZE, RAM_ALIGNMENT),
    });
    topology.addSubregion(system, flash, offset(BigInt(index) * FLASH_SIZE));
  }
  addIoRows(options, system, DEVICES);
  topology.addSubregion(system, MemoryRegion.container('platform bus', 32n * MIB), offset(0x0c00_0000n));
  topology.addSubregion(system, makeRam(options, 'mach-virt.ram'), offset(RAM_START));

  const { cpu, highmemMmioSize = 512n * GIB } = options;
  const high = placeHighRegions(RAM_START + ram, highmemMmioSize);
  const addressable = 1n << BigInt(cpu?.physBits ?? 64);
  topology.addSubregion(system, MemoryRegion.container('cxl_host_reg', MIB), offset(high.cxl));
  const ecam = MemoryRegion.io('pcie-mmcfg-mmio', 256n * MIB);
  addAlias(options, system, { name: 'pcie-ecam', target: ecam, from: 0n, size: ecam.size, at: high.ecam });

  // The window itself answers where no BAR does.
  const window = MemoryRegion.io('gpex_mmio_window', END_OF_SPACE);
  const pci = MemoryRegion.container('gpex_mmio', END_OF_SPACE);
  topology.addSubregion(window, pci, offset(0n));
  const addWindow = (name: string, start: bigint, size: Size): MemoryRegion =>
    addAlias(options, system, { name, target: window, from: start, size, at: start });
  addWindow('pcie-mmio', 0x1000_0000n, 0x2eff_0000n);
  // QEMU leaves out a high region that the CPU cannot address (virt_set_high_memmap, machine fact 11.8).
  if (high.mmio + highmemMmioSize <= addressable) addWindow('pcie-mmio-high', high.mmio, highmemMmioSize);
  const ports = MemoryRegion.io('gpex_ioport_window', 0x1_0000n);
  const io = MemoryRegion.container('gpex_ioport', 0x1_0000n);
  topology.addSubregion(ports, io, offset(0n));
  topology.addSubregion(system, ports, offset(0x3eff_0000n));

  const memory = makeMemorySpaces(options, system);
  makeIoSpace(options);
  return {
    system,
    memory,
    bus: { topology, memory: pci, io, dmaSpace: memory, addressZeroAllowed: true },
    optsOutOfMsixEmulation: false,
    refusal: refusalOf(RAM_START + ram, cpu?.physBits),
    reset: () => undefined,
  };
}

/** What QEMU prints for RAM that ends above the addresses of the CPU (virt_set_memmap, machine fact 11.8). */
function refusalOf(ramEnd: bigint, physBits = 64): string | undefined {
  const excess = ramEnd - (1n << BigInt(physBits));
  return excess > 0n
    ? `Addressing limited to ${physBits} bits, but memory exceeds it by ${excess} bytes`
    : undefined;
}

/** Places the regions above RAM one after the other, each aligned to its own size. */
function placeHighRegions(ramEnd: bigint, mmioSize: Size): { cxl: bigint; ecam: bigint; mmio: bigint } {
  const afterRam = alignUp(ramEnd, GIB);
  let next = afterRam > HIGH_REGIONS_START ? afterRam : HIGH_REGIONS_START;
  const place = (size: Size): bigint => {
    const start = alignUp(next, size);
    next = start + size;
    return start;
  };
  place(64n * MIB); // second part of the GIC redistributors
  return { cxl: place(MIB), ecam: place(256n * MIB), mmio: place(mmioSize) };
}
