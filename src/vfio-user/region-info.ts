import type { Offset, Size } from '../address/index.ts';
import { argsz, fixedPart } from './payload-reader.ts';

/** A part of a region that the client may mmap. */
export interface SparseArea {
  readonly offset: Offset;
  /** In bytes. */
  readonly size: Size;
}

/** A capability of a region (linux/vfio.h: VFIO_REGION_INFO_CAP_*). */
export type RegionCapability =
  /** SPARSE_MMAP: the client may mmap these areas only. */
  | { readonly id: 1; readonly areas: readonly SparseArea[] }
  /** MSIX_MAPPABLE: the client may mmap the MSI-X table of this region. */
  | { readonly id: 3 };

/** The contents of a reply to DEVICE_GET_REGION_INFO. */
export interface RegionInfo {
  /** In bytes; 0 for a region that the device does not have. */
  readonly size: Size;
  readonly flags: { readonly read: boolean; readonly write: boolean; readonly mmap: boolean };
  /** In the order in which they are sent. */
  readonly capabilities: readonly RegionCapability[];
}

/** Bytes of the part of the information that every region has (linux/vfio.h: struct vfio_region_info). */
const FIXED_BYTES = 32;
const CAPABILITY_HEADER_BYTES = 8;
const CAPABILITY_VERSION = 1;

const READ = 1;
const WRITE = 2;
const MMAP = 4;
const CAPS = 8;

/** A DEVICE_GET_REGION_INFO of the client. */
export interface RegionInfoQuery {
  /** How many bytes of payload the client has room for. */
  readonly argsz: number;
  /** Any 32-bit number. */
  readonly index: number;
}

/**
 * Reads {u32 argsz, u32 flags, u32 index, u32 capability offset, u64 size, u64 offset}. The request uses only
 * argsz and index.
 *
 * @throws MalformedMessage (EINVAL) for a payload of other than 32 bytes, and an argsz below 32.
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
  /** False when the client has no room for the capabilities. It then asks again with the argsz of this reply. */
  readonly complete: boolean;
}

/** The reply to a query. Offset 0 of the region is offset 0 of the file that the client mmaps. */
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

/** Writes {u16 id, u16 version, u32 offset of the next capability} and the body of each; the last offset is 0. */
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

/** SPARSE_MMAP has {u32 count, u32 reserved}, then {u64 offset, u64 size} an area. MSIX_MAPPABLE has no body. */
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
