import { iova, offset, type Iova, type Offset, type Size } from '../address/index.ts';
import { EINVAL, EOPNOTSUPP } from './error-number.ts';
import { MalformedMessage } from './malformed-message.ts';
import { argsz, fixedPart } from './payload-reader.ts';

/** The payload of DMA_MAP. */
export interface DmaMapMessage {
  readonly flags: number;
  /** Where in the client's file the memory begins. Means nothing when no file comes with the message. */
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
 * @throws MalformedMessage (EINVAL) for a payload of other than 32 bytes, an argsz below 32, and flags other than
 *   read, write or both.
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
 * @throws MalformedMessage EINVAL for a payload of other than 24 bytes, an argsz below 24, unknown flags, and the flag
 *   ALL with an address or a size. EOPNOTSUPP for a request of the dirty bitmap: the server writes to no page and does
 *   not offer to track pages.
 */
export function decodeDmaUnmap(payload: Uint8Array): DmaUnmapMessage {
  const view = fixedPart(payload, 'DMA_UNMAP', UNMAP_BYTES, false);
  argsz(view, 'DMA_UNMAP', UNMAP_BYTES);
  const flags = view.getUint32(4, true);
  if ((flags & DmaUnmapFlag.GET_DIRTY_BITMAP) !== 0) {
    throw new MalformedMessage('DMA_UNMAP: the server does not offer a dirty bitmap', EOPNOTSUPP);
  }
  fixedPart(payload, 'DMA_UNMAP', UNMAP_BYTES);
  const message = { flags, iova: iova(view.getBigUint64(8, true)), size: view.getBigUint64(16, true) };
  if (flags !== 0 && flags !== DmaUnmapFlag.ALL) {
    throw new MalformedMessage(`DMA_UNMAP: flags ${flags}, allowed 0 or all (2)`, EINVAL);
  }
  if (flags === DmaUnmapFlag.ALL && (message.iova | message.size) !== 0n) {
    throw new MalformedMessage(
      'DMA_UNMAP: flag all (2) with an address or a size, allowed 0 for both',
      EINVAL,
    );
  }
  return message;
}
