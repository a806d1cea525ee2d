import { isPowerOfTwo, type Size } from '../address/index.ts';
import { optional } from './optional.ts';
import {
  CPU_VENDORS,
  LARGEST_PAGE,
  MACHINE_TYPES,
  MSIX_EMULATIONS,
  type CpuSpec,
  type MachineSpec,
} from './scenario.ts';
import type { ScenarioDecoder } from './scenario-decoder.ts';

/** The largest RAM in bytes: 4 TiB, in pages of 4 KiB half of what one KVM memslot can hold. */
export const MAX_RAM = 1n << 42n;

/** The largest 64-bit PCI hole in bytes. */
export const MAX_HOLE = 1n << 46n;
/** The least and the most of `highmem-mmio-size` in bytes: 512 GiB, and what leaves room below 2^52. */
export const [MIN_HIGHMEM_MMIO, MAX_HIGHMEM_MMIO] = [1n << 39n, 1n << 50n];

/** Reads the `machine` of a scenario. */
export function readMachine(decoder: ScenarioDecoder, value: unknown, path: string): MachineSpec {
  const machine = decoder.object(value, path, [
    'type',
    'cpu',
    'pciHole64Size',
    'highmemMmioSize',
    'msixEmulation',
    'ram',
    'hostPageSize',
    'guestPageSize',
  ]);
  const type = decoder.oneOf(machine['type'], `${path}.type`, MACHINE_TYPES);
  const hostPageSize = decoder.pageSize(
    machine['hostPageSize'] ?? '0x1000',
    `${path}.hostPageSize`,
    LARGEST_PAGE,
  );
  const ram = decoder.number(machine['ram'], `${path}.ram`, LARGEST_PAGE, MAX_RAM);
  const cpu = optional(machine['cpu'], (spec) => readCpu(decoder, spec, `${path}.cpu`));
  const pciHole64Size = optional(machine['pciHole64Size'], (size) =>
    decoder.number(size, `${path}.pciHole64Size`, 0n, MAX_HOLE),
  );
  const highmemMmioSize = optional(machine['highmemMmioSize'], (size) =>
    readHighmemMmioSize(decoder, size, `${path}.highmemMmioSize`),
  );
  return {
    type,
    ...(cpu && { cpu }),
    ...(pciHole64Size !== undefined && { pciHole64Size }),
    ...(highmemMmioSize !== undefined && { highmemMmioSize }),
    msixEmulation: decoder.oneOf(
      machine['msixEmulation'] ?? 'machine-default',
      `${path}.msixEmulation`,
      MSIX_EMULATIONS,
    ),
    ram,
    hostPageSize,
    guestPageSize: decoder.pageSize(
      machine['guestPageSize'] ?? '0x1000',
      `${path}.guestPageSize`,
      LARGEST_PAGE,
    ),
  };
}

function readCpu(decoder: ScenarioDecoder, value: unknown, path: string): CpuSpec {
  const cpu = decoder.object(value, path, ['vendor', 'physBits']);
  return {
    vendor: decoder.oneOf(cpu['vendor'], `${path}.vendor`, CPU_VENDORS),
    physBits: decoder.integer(cpu['physBits'], `${path}.physBits`, 32, 64),
  };
}

function readHighmemMmioSize(decoder: ScenarioDecoder, value: unknown, path: string): Size {
  const size = decoder.number(value, path, MIN_HIGHMEM_MMIO, MAX_HIGHMEM_MMIO);
  if (!isPowerOfTwo(size)) decoder.report(path, 'expected a power of two');
  return size;
}
