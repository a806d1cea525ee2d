import { offset, type Offset } from '../address/index.ts';
import { EMSGSIZE } from './error-number.ts';
import { MalformedMessage } from './malformed-message.ts';
import { fixedPart } from './payload-reader.ts';

/** The largest `count` of an access, in bytes. The server announces it as max_data_xfer_size. */
export const MAX_DATA_XFER_SIZE = 1 << 20;

/** The bytes of a region that a REGION_READ or REGION_WRITE names. */
export interface RegionAccess {
  readonly offset: Offset;
  /** Any 32-bit number. */
  readonly region: number;
  /** In bytes; at most `MAX_DATA_XFER_SIZE`. */
  readonly count: number;
}

const FIXED_BYTES = 16;

/**
 * Reads {u64 offset, u32 region, u32 count}.
 *
 * @throws MalformedMessage EINVAL for a payload of other than 16 bytes, EMSGSIZE for a count above
 *   `MAX_DATA_XFER_SIZE`.
 */
export function decodeRegionRead(payload: Uint8Array): RegionAccess {
  return access(fixedPart(payload, 'REGION_READ', FIXED_BYTES), 'REGION_READ');
}

/** Reads the same fields, and `count` bytes of data behind them. @throws MalformedMessage as `decodeRegionRead` does. */
export function decodeRegionWrite(payload: Uint8Array): RegionAccess & { readonly data: Uint8Array } {
  const header = access(fixedPart(payload, 'REGION_WRITE', FIXED_BYTES, false), 'REGION_WRITE');
  fixedPart(payload, 'REGION_WRITE', FIXED_BYTES + header.count);
  return { ...header, data: payload.subarray(FIXED_BYTES) };
}

function access(view: DataView, command: string): RegionAccess {
  const count = view.getUint32(12, true);
  if (count > MAX_DATA_XFER_SIZE) {
    throw new MalformedMessage(`${command}: ${count} bytes, allowed at most ${MAX_DATA_XFER_SIZE}`, EMSGSIZE);
  }
  return { offset: offset(view.getBigUint64(0, true)), region: view.getUint32(8, true), count };
}

/**
 * The reply to a read or a write: the fields of the request, and the data that was read.
 *
 * @param data `count` bytes for a read, none for a write.
 */
export function encodeRegionAccess(request: RegionAccess, data: Uint8Array): Uint8Array {
  const payload = new Uint8Array(FIXED_BYTES + data.length);
  const view = new DataView(payload.buffer);
  view.setBigUint64(0, request.offset, true);
  view.setUint32(8, request.region, true);
  view.setUint32(12, request.count, true);
  payload.set(data, FIXED_BYTES);
  return payload;
}
