import type { DeviceSpec, MachineType } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/**
 * The DMA mappings that RAM and firmware take. On x86: RAM below 768 KiB, the option ROMs, the BIOS below 1 MiB,
 * RAM from there on, and the BIOS below 4 GiB. On pseries QEMU maps nothing before the guest asks for it.
 */
const OF_MEMORY: Readonly<Record<MachineType, number>> = { generic: 1, virt: 1, pc: 5, q35: 5, pseries: 0 };

/**
 * How many mappings the host allows (type1's `dma_entry_limit`): about as many as the machine and its devices
 * need, or the limit would never be met. A BAR that can be mmapped counts as one mapping. An MSI-X table or an
 * overlay cuts it in two, and a BAR of less than a page has none, so the limit is drawn from three below to one
 * above: over 20,000 cases 45 % of those with a limit exceed it, and 15 % reach it and go no further.
 */
export function chooseMappingLimit(
  choose: Choose,
  machine: MachineType,
  devices: readonly DeviceSpec[],
): number {
  let needed = OF_MEMORY[machine];
  for (const { bars, options } of devices) {
    if (options['x-no-mmap'] !== true) needed += bars.filter(({ mmap }) => mmap).length;
  }
  return Math.max(0, needed + choose.integer(-3, 1));
}
