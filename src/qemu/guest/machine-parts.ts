import type { QemuProcess } from '../process/qemu-process.ts';
import type { ConfigAccess } from './config-access.ts';
import type { DeviceNames } from './device-names.ts';
import type { MachineDevices } from './machine-devices.ts';
import type { MachineDriver } from './machine-driver.ts';
import type { MachineHost } from './machine-host.ts';

/** What the classes that drive a running machine share. */
export interface MachineParts {
  readonly qemu: QemuProcess;
  readonly driver: MachineDriver;
  readonly host: MachineHost;
  readonly config: ConfigAccess;
  readonly names: DeviceNames;
  readonly devices: MachineDevices;
  readonly optsOutOfMsixEmulation: boolean;
}
