import { END_OF_SPACE, offset, type Size } from '../address/index.ts';
import { MemoryRegion, type AddressSpace } from '../memory/index.ts';
import { RAM_ALIGNMENT, type MachineOptions } from './machine.ts';

/** A fixed I/O region of a memory map. */
export type IoRow = readonly [start: bigint, size: Size, name: string];

/** Adds I/O regions to `container` with priority 0. */
export function addIoRows(options: MachineOptions, container: MemoryRegion, rows: readonly IoRow[]): void {
  for (const [start, size, name] of rows) {
    options.topology.addSubregion(container, MemoryRegion.io(name, size), offset(start));
  }
}

/** A fixed alias of a memory map. */
export interface AliasRow {
  readonly name: string;
  readonly target: MemoryRegion;
  /** Where in the target the alias begins. */
  readonly from: bigint;
  /** Bytes of the target that the alias shows. */
  readonly size: Size;
  /** Where in the container the alias lies. */
  readonly at: bigint;
  /** 0 if it is not given. */
  readonly priority?: number;
}

/** Adds an alias to `container`. */
export function addAlias(
  { topology }: MachineOptions,
  container: MemoryRegion,
  { name, target, from, size, at, priority }: AliasRow,
): MemoryRegion {
  const alias = MemoryRegion.alias(name, target, offset(from), size);
  topology.addSubregion(container, alias, offset(at), priority);
  return alias;
}

/** One block with all RAM of the machine. */
export const makeRam = ({ ram, reserve }: MachineOptions, name: string): MemoryRegion =>
  MemoryRegion.ram(name, ram, { hostAddress: reserve(ram, RAM_ALIGNMENT) });

/** Read-only memory, such as firmware. */
export const makeRom = ({ reserve }: MachineOptions, name: string, size: Size): MemoryRegion =>
  MemoryRegion.rom(name, size, { hostAddress: reserve(size, RAM_ALIGNMENT) });

/** The root region of system memory. */
export const makeSystem = (): MemoryRegion => MemoryRegion.container('system', END_OF_SPACE);

/** Bytes of the I/O port space. */
const IO_PORTS: Size = 0x1_0000n;

/** Makes the address space of I/O ports, and returns its region. */
export function makeIoSpace({ topology }: MachineOptions): MemoryRegion {
  const io = MemoryRegion.io('io', IO_PORTS);
  topology.createAddressSpace('I/O', io);
  return io;
}

/** Makes the address spaces of system memory: QEMU's `memory`, which is returned, and that of the first CPU. */
export function makeMemorySpaces({ topology, rules }: MachineOptions, system: MemoryRegion): AddressSpace {
  const memory = topology.createAddressSpace('memory', system);
  topology.createAddressSpace(rules.cpuSpaceName, system);
  return memory;
}
