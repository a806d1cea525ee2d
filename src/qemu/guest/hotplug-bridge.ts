import { PciCommand, PciRegister, type AccessWidth } from '../../pci-layout/index.ts';
import type { QemuProcess } from '../process/qemu-process.ts';
import { runCycles, type ConfigAccess } from './config-access.ts';
import type { MachineDriver } from './machine-driver.ts';
import { BRIDGE_SLOT } from './slots.ts';

/** Registers of the type 1 header (PCI-to-PCI Bridge 1.2, section 3.2). */
const BUS_NUMBERS = 0x18;
const MEMORY_WINDOW = 0x20;
const PREFETCHABLE_WINDOW = 0x24;
const PREFETCHABLE_BASE_HIGH = 0x28;
const PREFETCHABLE_LIMIT_HIGH = 0x2c;

/**
 * Opens the windows of the bridge that devices are plugged in behind: the bridge then passes every memory address
 * on. A reset of the machine closes the windows. Does nothing on a machine without the bridge.
 */
export async function openBridgeWindows(
  qemu: QemuProcess,
  config: ConfigAccess,
  { hotplug: { bridged, bus } }: MachineDriver,
): Promise<void> {
  if (!bridged || !qemu.arguments.some((argument) => argument.startsWith('pci-bridge,'))) return;
  const write = (register: number, width: AccessWidth, value: number) =>
    config.write({ bus: 0, slot: BRIDGE_SLOT, register }, width, value);
  await runCycles(qemu.qtest, [
    // The primary bus is 0; the secondary and the subordinate bus are that of the devices.
    write(BUS_NUMBERS, 4, (bus.number << 16) | (bus.number << 8)),
    // 0 to 4 GiB - 1.
    write(MEMORY_WINDOW, 4, 0xfff0_0000),
    // 4 GiB to 2^64 - 1.
    write(PREFETCHABLE_WINDOW, 4, 0xfff1_0001),
    write(PREFETCHABLE_BASE_HIGH, 4, 1),
    write(PREFETCHABLE_LIMIT_HIGH, 4, 0xffff_ffff),
    write(PciRegister.COMMAND, 2, PciCommand.IO | PciCommand.MEMORY | PciCommand.BUS_MASTER),
  ]);
}
