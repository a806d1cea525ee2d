import { barFlags, barRegister, ConfigSpace, PciCommand, PciRegister } from '../../pci-layout/index.ts';
import type { Scenario } from '../../scenario/index.ts';
import { OfferedDevice } from '../offered-device.ts';

/** Registers of the header (PCI 3.0 section 6.1). */
const VENDOR_ID = 0x00;
const DEVICE_ID = 0x02;

/** The first device of a scenario as its host offers it. Its configuration space has ids, COMMAND and BARs. */
export function offerDevice(scenario: Scenario, folder: string, group: number): OfferedDevice {
  const [spec] = scenario.devices;
  const config = new ConfigSpace();
  const device = new OfferedDevice(spec!, scenario, { folder, name: 'host-device:c0', group, config });
  config.set(VENDOR_ID, 2, spec!.vendor);
  config.set(DEVICE_ID, 2, spec!.device);
  config.setWritable(PciRegister.COMMAND, 2, PciCommand.MEMORY);
  for (const { index } of spec!.bars)
    config.set(barRegister(index), 4, barFlags(device.host.barAttributes(index)));
  return device;
}
