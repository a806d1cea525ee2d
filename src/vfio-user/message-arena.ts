import koffi from 'koffi';
import type { Descriptor } from './system-calls.ts';

/** Numbers of the Linux ABI (sys/socket.h); equal on every 64-bit little-endian architecture of Node. */
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;

/** Bytes of the data buffer: `sendmsg` and `recvmsg` move at most so many at a time. */
export const DATA_BYTES = 65536;
const CONTROL_BYTES = 1024;

/** Where struct msghdr, struct iovec, the control buffer and the data buffer begin. */
const HEADER = 0;
const VECTOR = 64;
const CONTROL = 128;
const DATA = 4096;

/** Offsets of the fields of struct msghdr on 64-bit Linux. */
const MSG_IOV = 16;
const MSG_IOVLEN = 24;
const MSG_CONTROL = 32;
const MSG_CONTROLLEN = 40;
const MSG_FLAGS = 48;
/** Offset of the field `iov_len` of struct iovec. */
const IOV_LEN = 8;

/** struct cmsghdr is {u64 length, i32 level, i32 type}, and the descriptors follow. */
const CMSG_HEADER_BYTES = 16;
const DESCRIPTOR_BYTES = 4;
/** Without the padding behind an odd number of descriptors: the kernel would put one more there. */
const controlBytes = (descriptors: number): number => CMSG_HEADER_BYTES + descriptors * DESCRIPTOR_BYTES;

/**
 * The structures of `sendmsg` and `recvmsg`, and their buffers. They hold addresses of one another, so they lie in
 * memory that does not move.
 */
export class MessageArena {
  /** What `sendmsg` sends and where `recvmsg` puts what it receives. */
  readonly data: Uint8Array;
  /** The address of the struct msghdr. */
  readonly address: bigint;
  readonly #view: DataView;

  constructor() {
    const bytes = DATA + DATA_BYTES;
    const memory: unknown = koffi.alloc('uint8_t', bytes);
    const buffer = koffi.view(memory, bytes);
    this.#view = new DataView(buffer);
    this.data = new Uint8Array(buffer, DATA, DATA_BYTES);
    this.address = BigInt(koffi.address(memory)) + BigInt(HEADER);
    new Uint8Array(buffer).fill(0, 0, DATA);
    this.#setPointer(HEADER + MSG_IOV, VECTOR);
    this.#view.setBigUint64(HEADER + MSG_IOVLEN, 1n, true);
    this.#setPointer(VECTOR, DATA);
  }

  /** Prepares for sending the first `count` bytes of `data`, with a descriptor where one is given. */
  prepareToSend(count: number, descriptor: Descriptor | undefined): void {
    this.#prepare(count, descriptor === undefined ? 0 : controlBytes(1));
    if (descriptor === undefined) return;
    this.#view.setBigUint64(CONTROL, BigInt(controlBytes(1)), true);
    this.#view.setInt32(CONTROL + 8, SOL_SOCKET, true);
    this.#view.setInt32(CONTROL + 12, SCM_RIGHTS, true);
    this.#view.setInt32(CONTROL + CMSG_HEADER_BYTES, descriptor, true);
  }

  /** Prepares for receiving at most `count` bytes into `data`, and at most `room` descriptors (0 to 252). */
  prepareToReceive(count: number, room: number): void {
    this.#prepare(count, room > 0 ? Math.min(controlBytes(room), CONTROL_BYTES) : 0);
  }

  /** Whether the kernel has closed descriptors of the received message because the buffer had no room. */
  get lostDescriptors(): boolean {
    return (this.#view.getInt32(HEADER + MSG_FLAGS, true) & MSG_CTRUNC) !== 0;
  }

  /** The descriptors that came with the received message. */
  receivedDescriptors(): Descriptor[] {
    const descriptors: Descriptor[] = [];
    const end = CONTROL + Number(this.#view.getBigUint64(HEADER + MSG_CONTROLLEN, true));
    for (let at = CONTROL; at + CMSG_HEADER_BYTES <= end;) {
      const length = Number(this.#view.getBigUint64(at, true));
      if (length < CMSG_HEADER_BYTES) break;
      const level = this.#view.getInt32(at + 8, true);
      const type = this.#view.getInt32(at + 12, true);
      if (level === SOL_SOCKET && type === SCM_RIGHTS) {
        const last = Math.min(at + length, end) - DESCRIPTOR_BYTES;
        for (let one = at + CMSG_HEADER_BYTES; one <= last; one += DESCRIPTOR_BYTES) {
          descriptors.push(this.#view.getInt32(one, true));
        }
      }
      at += Math.ceil(length / 8) * 8;
    }
    return descriptors;
  }

  #prepare(dataBytes: number, control: number): void {
    this.#view.setBigUint64(VECTOR + IOV_LEN, BigInt(dataBytes), true);
    if (control > 0) this.#setPointer(HEADER + MSG_CONTROL, CONTROL);
    else this.#view.setBigUint64(HEADER + MSG_CONTROL, 0n, true);
    this.#view.setBigUint64(HEADER + MSG_CONTROLLEN, BigInt(control), true);
    this.#view.setInt32(HEADER + MSG_FLAGS, 0, true);
  }

  #setPointer(at: number, target: number): void {
    this.#view.setBigUint64(at, this.address - BigInt(HEADER) + BigInt(target), true);
  }
}
