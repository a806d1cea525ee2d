import { argsz, fixedPart } from './payload-reader.ts';

const BYTES = 16;
const FLAG_RESET = 1;
const FLAG_PCI = 2;

/**
 * Checks a DEVICE_GET_INFO: {u32 argsz, u32 flags, u32 regions, u32 irqs}. The request uses only argsz.
 *
 * @throws MalformedMessage (EINVAL) for a payload of other than 16 bytes, and an argsz below 16.
 */
export function decodeDeviceInfo(payload: Uint8Array): void {
  argsz(fixedPart(payload, 'DEVICE_GET_INFO', BYTES), 'DEVICE_GET_INFO', BYTES);
}

/** The reply of a PCI device that can be reset, with the numbers of its region and interrupt indexes. */
export function encodeDeviceInfo(regions: number, irqs: number): Uint8Array {
  const payload = new Uint8Array(BYTES);
  const view = new DataView(payload.buffer);
  view.setUint32(0, BYTES, true);
  view.setUint32(4, FLAG_RESET | FLAG_PCI, true);
  view.setUint32(8, regions, true);
  view.setUint32(12, irqs, true);
  return payload;
}
