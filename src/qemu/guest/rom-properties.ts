import { closeSync, ftruncateSync, openSync } from 'node:fs';
import type { DeviceSpec } from '../../scenario/index.ts';
import type { PrivateDirectory } from '../process/private-directory.ts';
import type { DeviceProperty } from './device-offer.ts';

/**
 * The properties by which the user hides the expansion ROM of a device, shows it, or gives a file in its place. The file
 * holds zeros.
 *
 * @param directory that QEMU runs in, and for the file.
 * @param qemuId the device's id in QEMU.
 */
export function romProperties(
  { options: { rombar, romfile } }: DeviceSpec,
  qemuId: string,
  directory: PrivateDirectory,
): Readonly<Record<string, DeviceProperty>> {
  const properties: Record<string, DeviceProperty> = {};
  if (rombar !== undefined) properties['rombar'] = rombar ? 1 : 0;
  if (romfile === undefined) return properties;
  const path = directory.at(`${qemuId}.rom`);
  const file = openSync(path, 'w', 0o600);
  ftruncateSync(file, Number(romfile));
  closeSync(file);
  return { ...properties, romfile: path };
}
