import { decodeDevice, type DeviceSpec } from '../src/scenario/index.ts';
import rows from './real-devices.json' with { type: 'json' };

/** A real device, and the source of its layout. */
export interface RealDevice extends DeviceSpec {
  readonly source: string;
}

/** BARs and MSI-X layouts of real devices, from public `lspci` output. */
export const REAL_DEVICES: readonly RealDevice[] = rows.map(({ source, ...row }) => ({
  ...decodeDevice({ ...row, id: row.name }),
  source,
}));
