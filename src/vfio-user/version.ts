import type { PageSizeBitmap } from '../address/index.ts';
import { EINVAL } from './error-number.ts';
import { MalformedMessage } from './malformed-message.ts';

/** The major version of the protocol. Another major version is another protocol. */
export const MAJOR_VERSION = 0;
/** The newest minor version that the server supports (libvfio-user include/libvfio-user.h: LIB_VFIO_USER_MINOR). */
export const MINOR_VERSION = 1;

/** The proposal in a client's first message. */
export interface ClientVersion {
  /** The newest minor version that the client supports. */
  readonly minor: number;
  /** How many file descriptors the client takes with one message; 1 where the client does not say. */
  readonly maxMsgFds: number;
}

/** The server's answer to the proposal. */
export interface ServerVersion {
  readonly minor: number;
  /** How many file descriptors the server takes with one message. */
  readonly maxMsgFds: number;
  /** The largest `count` of a REGION_READ or REGION_WRITE, in bytes. */
  readonly maxDataXferSize: number;
  /** The page sizes of DMA maps. QEMU accepts no page size below 4 KiB. */
  readonly pgsizes: PageSizeBitmap;
  /** How many DMA maps may exist at a time. QEMU accepts at most 65535. */
  readonly maxDmaMaps: number;
}

const FIXED_BYTES = 4;

/**
 * Reads the payload of a VERSION command: u16 major, u16 minor, then JSON text that ends with NUL. The client may
 * leave out the text.
 *
 * @throws MalformedMessage, always fatal: without a common version, the server cannot read the next message.
 */
export function decodeVersion(payload: Uint8Array): ClientVersion {
  if (payload.length < FIXED_BYTES)
    throw refusal(`payload of ${payload.length} bytes, allowed at least ${FIXED_BYTES}`);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const major = view.getUint16(0, true);
  if (major !== MAJOR_VERSION) throw refusal(`major version ${major}, allowed ${MAJOR_VERSION}`);
  return { minor: view.getUint16(2, true), maxMsgFds: maxMsgFds(payload.subarray(FIXED_BYTES)) };
}

function maxMsgFds(data: Uint8Array): number {
  if (data.length === 0) return 1;
  if (data[data.length - 1] !== 0) throw refusal('version data does not end with NUL');
  const offered = member(parse(data.subarray(0, -1)), 'capabilities');
  const value = member(offered, 'max_msg_fds') ?? 1;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw refusal('max_msg_fds is not a number of descriptors');
}

function parse(text: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch {
    throw refusal('version data is not JSON text');
  }
}

function member(value: unknown, key: string): unknown {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refusal(`version data: the value that should hold ${key} is not an object`);
  }
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

const refusal = (problem: string): MalformedMessage =>
  new MalformedMessage(`VERSION: ${problem}`, EINVAL, true);

/**
 * The payload of the reply to VERSION. The reply names few capabilities, because QEMU refuses a reply that is longer
 * than its own request (vfio fact 10.2).
 */
export function encodeVersion(version: ServerVersion): Uint8Array {
  // JSON.stringify would round pgsizes, which has 64 bits.
  const capabilities =
    `"max_msg_fds":${version.maxMsgFds},"max_data_xfer_size":${version.maxDataXferSize},` +
    `"pgsizes":${version.pgsizes},"max_dma_maps":${version.maxDmaMaps}`;
  const text = new TextEncoder().encode(`{"capabilities":{${capabilities}}}\0`);
  const payload = new Uint8Array(FIXED_BYTES + text.length);
  const view = new DataView(payload.buffer);
  view.setUint16(0, MAJOR_VERSION, true);
  view.setUint16(2, version.minor, true);
  payload.set(text, FIXED_BYTES);
  return payload;
}
