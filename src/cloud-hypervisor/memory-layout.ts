import type { Size } from '../address/index.ts';
import type { BarType } from '../pci-layout/index.ts';
import { AddressAllocator } from './address-allocator.ts';
import type { CloudHypervisorRules } from './revision.ts';

const MIB = 1n << 20n;
const GIB = 1n << 30n;
/** Below 4 GiB on x86-64: 32-bit BARs and other devices lie behind RAM (arch/src/x86_64/layout.rs). */
const MEM_32BIT_DEVICES_START = 3n * GIB;
const MEM_32BIT_DEVICES_SIZE = 640n * MIB;
const RAM_64BIT_START = 4n * GIB;
/** 2^46, for a server's CPU with 46 address bits, less the 64 KiB that mmio_address_space_size subtracts. */
const END_OF_DEVICE_AREA = (1n << 46n) - (1n << 16n);
const IO_PORTS = 1n << 16n;

/** A part of the guest's RAM. */
export interface RamPart {
  readonly name: string;
  readonly start: bigint;
  readonly size: Size;
}

/**
 * RAM below the area of 32-bit devices, and the rest of it from 4 GiB on (arch_memory_regions).
 *
 * @param ram bytes of guest RAM.
 */
export function ramParts(ram: Size): readonly RamPart[] {
  const low = ram < MEM_32BIT_DEVICES_START ? ram : MEM_32BIT_DEVICES_START;
  const parts = [
    { name: 'mem0', start: 0n, size: low },
    { name: 'mem0 above 4G', start: RAM_64BIT_START, size: ram - low },
  ];
  return parts.filter(({ size }) => size > 0n);
}

/**
 * The allocators of guest addresses for each type of BAR. 64-bit BARs lie above RAM and 4 GiB.
 *
 * @param ram bytes of guest RAM.
 * @param from the end of a gap from which addresses are taken.
 */
export function makeAllocators(
  ram: Size,
  from: CloudHypervisorRules['allocates'] = 'from-the-top',
): Readonly<Record<BarType, AddressAllocator>> {
  const above = ram <= MEM_32BIT_DEVICES_START ? 0n : ram - MEM_32BIT_DEVICES_START;
  const start = RAM_64BIT_START + above;
  return {
    io: new AddressAllocator(0n, IO_PORTS, from),
    mem32: new AddressAllocator(MEM_32BIT_DEVICES_START, MEM_32BIT_DEVICES_SIZE, from),
    mem64: new AddressAllocator(start, END_OF_DEVICE_AREA - start, from),
  };
}
