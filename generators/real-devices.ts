import { decodeDevice, type DeviceSpec } from '../src/scenario/index.ts';
import rows from './real-devices.json' with { type: 'json' };

/** A device that exists, and where its layout was read. */
export interface RealDevice extends DeviceSpec {
  readonly source: string;
}

/** BARs and MSI-X layouts of devices that exist, from public `lspci` output. */
export const REAL_DEVICES: readonly RealDevice[] = rows.map(({ source, ...row }) => ({
  ...decodeDevice({ ...row, id: row.name }),
  source,
}));
