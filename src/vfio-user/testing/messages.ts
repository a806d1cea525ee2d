import { bytes } from './bytes.ts';

const u16 = (value: number): string => hex(BigInt(value), 2);
const u32 = (value: number): string => hex(BigInt(value), 4);
const u64 = (value: bigint): string => hex(value, 8);
const hex = (value: bigint, width: number): string =>
  value
    .toString(16)
    .padStart(2 * width, '0')
    .match(/../g)!
    .toReversed()
    .join('');

/** A whole command. @param flags 0x10 for a command that wants no reply. */
export const message = (
  id: number,
  command: number,
  payload: Uint8Array = bytes(''),
  flags = 0,
): Uint8Array =>
  new Uint8Array([
    ...bytes(u16(id) + u16(command) + u32(16 + payload.length) + u32(flags) + u32(0)),
    ...payload,
  ]);

/** Payloads as QEMU 11.1.3 writes them. They use no code of the server. */
export const payloads = {
  version: (data = '{"capabilities":{"max_msg_fds":16}}\0'): Uint8Array =>
    new Uint8Array([0, 0, 0, 0, ...new TextEncoder().encode(data)]),
  map: (iova: bigint, size: bigint, flags = 3, offset = 0n): Uint8Array =>
    bytes(u32(32) + u32(flags) + u64(offset) + u64(iova) + u64(size)),
  unmap: (iova: bigint, size: bigint, flags = 0): Uint8Array =>
    bytes(u32(24) + u32(flags) + u64(iova) + u64(size)),
  deviceInfo: (): Uint8Array => bytes(u32(16) + u32(0) + u32(0) + u32(0)),
  regionInfo: (index: number, argsz = 32): Uint8Array =>
    bytes(u32(argsz) + u32(0) + u32(index) + u32(0) + u64(0n) + u64(0n)),
  irqInfo: (index: number): Uint8Array => bytes(u32(16) + u32(0) + u32(index) + u32(0)),
  setIrqs: (flags: number, index: number, start: number, count: number): Uint8Array =>
    bytes(u32(20) + u32(flags) + u32(index) + u32(start) + u32(count)),
  read: (region: number, offset: bigint, count: number): Uint8Array =>
    bytes(u64(offset) + u32(region) + u32(count)),
  write: (region: number, offset: bigint, data: Uint8Array): Uint8Array =>
    new Uint8Array([...bytes(u64(offset) + u32(region) + u32(data.length)), ...data]),
};

/** The fields of a reply. */
export interface ReceivedReply {
  readonly id: number;
  readonly command: number;
  /** 1 for a reply, 0x21 for an error. */
  readonly flags: number;
  readonly errno: number;
  readonly payload: Uint8Array;
}

/** Cuts the bytes of a server into replies. @throws Error when the last reply is not whole. */
export function replies(stream: Uint8Array): ReceivedReply[] {
  const found: ReceivedReply[] = [];
  for (let at = 0; at < stream.length;) {
    const view = new DataView(stream.buffer, stream.byteOffset + at);
    const size = view.getUint32(4, true);
    if (size < 16 || at + size > stream.length)
      throw new Error(`no whole reply at ${at} of ${stream.length}`);
    found.push({
      id: view.getUint16(0, true),
      command: view.getUint16(2, true),
      flags: view.getUint32(8, true),
      errno: view.getUint32(12, true),
      payload: stream.slice(at + 16, at + size),
    });
    at += size;
  }
  return found;
}
