import { LARGEST_PAGE, MACHINE_TYPES, MSIX_EMULATIONS, type MachineSpec } from './scenario.ts';
import type { ScenarioDecoder } from './scenario-decoder.ts';

/** The largest RAM in bytes: 4 TiB, in pages of 4 KiB half of what one KVM memslot can hold. */
const MAX_RAM = 1n << 42n;

/** Reads the `machine` of a scenario. */
export function readMachine(decoder: ScenarioDecoder, value: unknown, path: string): MachineSpec {
  const machine = decoder.object(value, path, [
    'type',
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
  return {
    type,
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
