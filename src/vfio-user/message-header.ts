import { EINVAL, EMSGSIZE } from './error-number.ts';
import { MalformedMessage } from './malformed-message.ts';

/** Commands of the protocol (QEMU docs/interop/vfio-user.rst, "Commands"). */
export const Command = {
  VERSION: 1,
  DMA_MAP: 2,
  DMA_UNMAP: 3,
  DEVICE_GET_INFO: 4,
  DEVICE_GET_REGION_INFO: 5,
  DEVICE_GET_REGION_IO_FDS: 6,
  DEVICE_GET_IRQ_INFO: 7,
  DEVICE_SET_IRQS: 8,
  REGION_READ: 9,
  REGION_WRITE: 10,
  DMA_READ: 11,
  DMA_WRITE: 12,
  DEVICE_RESET: 13,
  DIRTY_PAGES: 14,
  REGION_WRITE_MULTI: 15,
  DEVICE_FEATURE: 16,
  MIG_DATA_READ: 17,
  MIG_DATA_WRITE: 18,
} as const;

const NAMES = new Map<number, string>(Object.entries(Command).map(([name, value]) => [value, name]));

/** `DMA_MAP` for 2 and so on; `command 99` for a number without a command. */
export const commandName = (command: number): string => NAMES.get(command) ?? `command ${command}`;

/** Whether the protocol has this command. The server does not offer all of them. */
export const isCommand = (command: number): boolean => NAMES.has(command);

/** Bytes of the header of every message. */
export const HEADER_BYTES = 16;

const TYPE_MASK = 0xf;
const TYPE_COMMAND = 0;
const TYPE_REPLY = 1;
const NO_REPLY = 0x10;
const ERROR = 0x20;

/** The header of a command. */
export interface MessageHeader {
  /** 16 bits. The sender chooses it, and the reply repeats it; ids may repeat. */
  readonly id: number;
  /** Any 16-bit number. */
  readonly command: number;
  /** Bytes of the whole message, header included: `HEADER_BYTES` to `maxSize` of `decodeHeader`. */
  readonly size: number;
  /** Whether the sender wants a reply. */
  readonly wantsReply: boolean;
}

/**
 * Reads the header of a command.
 *
 * @param bytes at least `HEADER_BYTES`.
 * @param maxSize bytes of the largest message that the server takes.
 * @throws MalformedMessage, always fatal. After a wrong size the server cannot find the next message, and the server
 *   sends no commands that a reply could answer.
 */
export function decodeHeader(bytes: Uint8Array, maxSize: number): MessageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const id = view.getUint16(0, true);
  const command = view.getUint16(2, true);
  const size = view.getUint32(4, true);
  const flags = view.getUint32(8, true);
  if ((flags & TYPE_MASK) !== TYPE_COMMAND) {
    const what = (flags & TYPE_MASK) === TYPE_REPLY ? 'a reply (type 1)' : `type ${flags & TYPE_MASK}`;
    throw new MalformedMessage(`header: ${what}, allowed only commands (type 0)`, EINVAL, true);
  }
  if (size < HEADER_BYTES || size > maxSize) {
    throw new MalformedMessage(
      `header: message size ${size}, allowed ${HEADER_BYTES} to ${maxSize}`,
      size < HEADER_BYTES ? EINVAL : EMSGSIZE,
      true,
    );
  }
  return { id, command, size, wantsReply: (flags & NO_REPLY) === 0 };
}

/** Id and command of a message, for the error reply to an invalid header. */
export function peekHeader(bytes: Uint8Array): { readonly id: number; readonly command: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  return { id: view.getUint16(0, true), command: view.getUint16(2, true) };
}

/**
 * A whole reply.
 *
 * @param request the header of the command that the reply answers.
 * @param payload the bytes behind the header.
 */
export function encodeReply(
  { id, command }: Pick<MessageHeader, 'id' | 'command'>,
  payload: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(bytes, id, command, TYPE_REPLY, 0);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** The reply to a command that failed: a header without a payload, as the protocol demands. */
export function encodeErrorReply(
  { id, command }: Pick<MessageHeader, 'id' | 'command'>,
  errno: number,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  writeHeader(bytes, id, command, TYPE_REPLY | ERROR, errno);
  return bytes;
}

function writeHeader(bytes: Uint8Array, id: number, command: number, flags: number, errno: number): void {
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id, true);
  view.setUint16(2, command, true);
  view.setUint32(4, bytes.length, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, errno, true);
}
