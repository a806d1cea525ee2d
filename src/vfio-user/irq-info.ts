import { argsz, fixedPart } from './payload-reader.ts';

const BYTES = 16;
const FLAG_EVENTFD = 1;

/**
 * Reads the index of a DEVICE_GET_IRQ_INFO: {u32 argsz, u32 flags, u32 index, u32 count}.
 *
 * @returns any 32-bit number.
 * @throws MalformedMessage (EINVAL) for a payload of other than 16 bytes, and an argsz below 16.
 */
export function decodeIrqInfoQuery(payload: Uint8Array): number {
  const view = fixedPart(payload, 'DEVICE_GET_IRQ_INFO', BYTES);
  argsz(view, 'DEVICE_GET_IRQ_INFO', BYTES);
  return view.getUint32(8, true);
}

/** The reply: the device has `count` interrupts of this index, and signals each by an eventfd. */
export function encodeIrqInfo(index: number, count: number): Uint8Array {
  const payload = new Uint8Array(BYTES);
  const view = new DataView(payload.buffer);
  view.setUint32(0, BYTES, true);
  view.setUint32(4, FLAG_EVENTFD, true);
  view.setUint32(8, index, true);
  view.setUint32(12, count, true);
  return payload;
}
