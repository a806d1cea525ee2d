import type { DeviceSpec, MachineType } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/**
 * The number of DMA mappings for RAM and firmware. A PC has five: RAM below 768 KiB, the option ROMs, the BIOS
 * below 1 MiB, RAM from 1 MiB, and the BIOS below 4 GiB. On pseries QEMU maps nothing before the guest asks.
 */
const OF_MEMORY: Readonly<Record<MachineType, number>> = { generic: 1, virt: 1, pc: 5, q35: 5, pseries: 0 };

/**
 * How many DMA mappings the host allows (type1's `dma_entry_limit`). The limit is close to the number that the
 * machine and its devices need, or no run would reach the limit. A BAR that can be mmapped counts as one mapping.
 * The count is rough: an MSI-X table or an overlay splits a BAR into two mappings, and a BAR below a page has none.
 * So the limit is drawn from three below to one above the count. Of 20,000 generated cases, 45 % of those with a
 * limit exceed it, and 15 % use it up exactly.
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
