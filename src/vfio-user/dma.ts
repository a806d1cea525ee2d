import { iova, offset, type Iova, type Offset, type Size } from '../address/index.ts';
import { EINVAL, EOPNOTSUPP } from './error-number.ts';
import { MalformedMessage } from './malformed-message.ts';
import { argsz, fixedPart } from './payload-reader.ts';

/** The payload of DMA_MAP. */
export interface DmaMapMessage {
  readonly flags: number;
  /** Where in the file that comes along the memory begins; 0 where no file comes along. */
  readonly offset: Offset;
  readonly iova: Iova;
  /** In bytes. */
  readonly size: Size;
}

/** The payload of DMA_UNMAP. */
export interface DmaUnmapMessage {
  readonly flags: number;
  readonly iova: Iova;
  /** In bytes. */
  readonly size: Size;
}

/** Flags of DMA_MAP. */
export const DmaMapFlag = { READ: 1, WRITE: 2 } as const;
/** Flags of DMA_UNMAP (linux/vfio.h: VFIO_DMA_UNMAP_FLAG_*). */
export const DmaUnmapFlag = { GET_DIRTY_BITMAP: 1, ALL: 2 } as const;

const MAP_BYTES = 32;
const UNMAP_BYTES = 24;

/**
 * Reads {u32 argsz, u32 flags, u64 offset, u64 address, u64 size}.
 *
 * @throws MalformedMessage (EINVAL) for a wrong length, an argsz below it, and flags other than readable, writable
 *   or both.
 */
export function decodeDmaMap(payload: Uint8Array): DmaMapMessage {
  const view = fixedPart(payload, 'DMA_MAP', MAP_BYTES);
  argsz(view, 'DMA_MAP', MAP_BYTES);
  const flags = view.getUint32(4, true);
  if (flags < 1 || flags > 3) {
    throw new MalformedMessage(`DMA_MAP: flags ${flags}, allowed read (1), write (2) or both`, EINVAL);
  }
  return {
    flags,
    offset: offset(view.getBigUint64(8, true)),
    iova: iova(view.getBigUint64(16, true)),
    size: view.getBigUint64(24, true),
  };
}

/**
 * Reads {u32 argsz, u32 flags, u64 address, u64 size}.
 *
 * @throws MalformedMessage EINVAL for a wrong length, an argsz below it, unknown flags, and ALL with an address
 *   or a size; EOPNOTSUPP when the pages that were written are asked for: the server writes none and
 *   has not offered to keep count.
 */
export function decodeDmaUnmap(payload: Uint8Array): DmaUnmapMessage {
  const view = fixedPart(payload, 'DMA_UNMAP', UNMAP_BYTES, false);
  argsz(view, 'DMA_UNMAP', UNMAP_BYTES);
  const flags = view.getUint32(4, true);
  if ((flags & DmaUnmapFlag.GET_DIRTY_BITMAP) !== 0) {
    throw new MalformedMessage('DMA_UNMAP: a dirty bitmap is not offered', EOPNOTSUPP);
  }
  fixedPart(payload, 'DMA_UNMAP', UNMAP_BYTES);
  const message = { flags, iova: iova(view.getBigUint64(8, true)), size: view.getBigUint64(16, true) };
  if (flags !== 0 && flags !== DmaUnmapFlag.ALL) {
    throw new MalformedMessage(`DMA_UNMAP: flags ${flags}, allowed 0 or all (2)`, EINVAL);
  }
  if (flags === DmaUnmapFlag.ALL && (message.iova | message.size) !== 0n) {
    throw new MalformedMessage('DMA_UNMAP: everything, but with an address or a size', EINVAL);
  }
  return message;
}
