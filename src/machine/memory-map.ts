import { END_OF_SPACE, offset, type Size } from '../address/index.ts';
import { MemoryRegion, type AddressSpace } from '../memory/index.ts';
import { RAM_ALIGNMENT, type MachineOptions } from './machine.ts';

/** A fixed part of a memory map: start, size and name. */
export type IoRow = readonly [start: bigint, size: Size, name: string];

/** Puts I/O regions into `container` at priority 0. */
export function addIoRows(options: MachineOptions, container: MemoryRegion, rows: readonly IoRow[]): void {
  for (const [start, size, name] of rows) {
    options.topology.addSubregion(container, MemoryRegion.io(name, size), offset(start));
  }
}

/** A block of RAM of the machine's size. */
export const makeRam = ({ ram, reserve }: MachineOptions, name: string): MemoryRegion =>
  MemoryRegion.ram(name, ram, { hostAddress: reserve(ram, RAM_ALIGNMENT) });

/** Read-only memory such as firmware. */
export const makeRom = ({ reserve }: MachineOptions, name: string, size: Size): MemoryRegion =>
  MemoryRegion.rom(name, size, { hostAddress: reserve(size, RAM_ALIGNMENT) });

/** The region of all system memory. */
export const makeSystem = (): MemoryRegion => MemoryRegion.container('system', END_OF_SPACE);

const IO_PORTS: Size = 0x1_0000n;

/** The I/O port space and its region. */
export function makeIoSpace({ topology }: MachineOptions): MemoryRegion {
  const io = MemoryRegion.io('io', IO_PORTS);
  topology.createAddressSpace('I/O', io);
  return io;
}

/** The address spaces of system memory, as the CPU and everybody else sees it. */
export function makeMemorySpaces({ topology, rules }: MachineOptions, system: MemoryRegion): AddressSpace {
  const memory = topology.createAddressSpace('memory', system);
  topology.createAddressSpace(rules.cpuSpaceName, system);
  return memory;
}
