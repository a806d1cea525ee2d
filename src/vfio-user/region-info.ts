import type { RegionCapability, RegionInfo } from '../host/index.ts';
import { argsz, fixedPart } from './payload-reader.ts';

/** Bytes of the part of a region's information that is always there (linux/vfio.h: struct vfio_region_info). */
const FIXED_BYTES = 32;
const CAPABILITY_HEADER_BYTES = 8;
const CAPABILITY_VERSION = 1;

const READ = 1;
const WRITE = 2;
const MMAP = 4;
const CAPS = 8;

/** What a DEVICE_GET_REGION_INFO asks for. */
export interface RegionInfoQuery {
  /** How large a payload the client has room for. */
  readonly argsz: number;
  /** Any 32-bit number. */
  readonly index: number;
}

/**
 * Reads {u32 argsz, u32 flags, u32 index, u32 capability offset, u64 size, u64 offset}; all but argsz and index
 * are for the reply.
 */
export function decodeRegionInfoQuery(payload: Uint8Array): RegionInfoQuery {
  const view = fixedPart(payload, 'DEVICE_GET_REGION_INFO', FIXED_BYTES);
  return {
    argsz: argsz(view, 'DEVICE_GET_REGION_INFO', FIXED_BYTES),
    index: view.getUint32(8, true),
  };
}

/** A region's information on its way to the client. */
export interface EncodedRegionInfo {
  readonly payload: Uint8Array;
  /** False when the client has no room for the capabilities: it asks again with the argsz that it is told. */
  readonly complete: boolean;
}

/** The reply. The file that mmaps go to, if there is one, has the region at offset 0. */
export function encodeRegionInfo(query: RegionInfoQuery, info: RegionInfo): EncodedRegionInfo {
  const chain = info.capabilities.map(capabilityBody);
  const full = chain.reduce((bytes, body) => bytes + CAPABILITY_HEADER_BYTES + body.length, FIXED_BYTES);
  const complete = full <= query.argsz;
  const payload = new Uint8Array(complete ? full : FIXED_BYTES);
  const view = new DataView(payload.buffer);
  const { read, write, mmap } = info.flags;
  view.setUint32(0, full, true);
  view.setUint32(
    4,
    (read ? READ : 0) | (write ? WRITE : 0) | (mmap ? MMAP : 0) | (chain.length > 0 ? CAPS : 0),
    true,
  );
  view.setUint32(8, query.index, true);
  view.setUint32(12, chain.length > 0 ? FIXED_BYTES : 0, true);
  view.setBigUint64(16, info.size, true);
  if (complete) writeChain(payload, info.capabilities, chain);
  return { payload, complete };
}

/** Each capability has {u16 id, u16 version, u32 offset of the next one}; the last one's next is 0. */
function writeChain(
  payload: Uint8Array,
  capabilities: readonly RegionCapability[],
  bodies: readonly Uint8Array[],
): void {
  const view = new DataView(payload.buffer);
  let at = FIXED_BYTES;
  bodies.forEach((body, index) => {
    const next = at + CAPABILITY_HEADER_BYTES + body.length;
    view.setUint16(at, capabilities[index]!.id, true);
    view.setUint16(at + 2, CAPABILITY_VERSION, true);
    view.setUint32(at + 4, index + 1 < bodies.length ? next : 0, true);
    payload.set(body, at + CAPABILITY_HEADER_BYTES);
    at = next;
  });
}

/** SPARSE_MMAP has {u32 count, u32 reserved} and {u64 offset, u64 size} for each area, MSIX_MAPPABLE nothing. */
function capabilityBody(capability: RegionCapability): Uint8Array {
  if (capability.id === 3) return new Uint8Array(0);
  const { areas } = capability;
  const body = new Uint8Array(8 + 16 * areas.length);
  const view = new DataView(body.buffer);
  view.setUint32(0, areas.length, true);
  areas.forEach(({ offset, size }, index) => {
    view.setBigUint64(8 + 16 * index, offset, true);
    view.setBigUint64(16 + 16 * index, size, true);
  });
  return body;
}
