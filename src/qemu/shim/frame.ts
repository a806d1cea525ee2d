import { endianness } from 'node:os';
import type { KernelAnswer, SystemCall } from '../../kernel/index.ts';

/** The operations of src/qemu/shim/kernel.h, by their numbers. */
const OPERATIONS = [
  undefined,
  'open',
  'close',
  'ioctl',
  'pread',
  'pwrite',
  'mmap',
  'mapped',
  'unmapped',
] as const satisfies readonly (SystemCall['operation'] | undefined)[];

/** Bytes of struct kernel_request and struct kernel_answer. */
const REQUEST_BYTES = 40;
const ANSWER_BYTES = 24;
/** Bytes of the address and the length in front of a write. */
const WRITE_HEAD_BYTES = 12;

/** The shim writes numbers as this machine does. */
const LITTLE = endianness() === 'LE';

/** The shim sent something that is no request. */
export class BadFrame extends Error {
  override readonly name = 'BadFrame';
}

/**
 * The request at the start of what the shim has sent.
 *
 * @returns the request and the bytes behind it; nothing while the request is not complete.
 * @throws BadFrame
 */
export function readRequest(
  received: Buffer,
): { readonly call: SystemCall; readonly rest: Buffer } | undefined {
  if (received.length < REQUEST_BYTES) return undefined;
  const view = new DataView(received.buffer, received.byteOffset, received.length);
  const length = view.getUint32(0, LITTLE);
  const operation = OPERATIONS[view.getUint32(4, LITTLE)];
  if (operation === undefined || length < REQUEST_BYTES) throw new BadFrame('the shim sent no request');
  if (received.length < length) return undefined;
  const call: SystemCall = {
    operation,
    file: view.getInt32(8, LITTLE),
    spare: view.getInt32(12, LITTLE),
    first: view.getBigUint64(16, LITTLE),
    second: view.getBigUint64(24, LITTLE),
    third: view.getBigUint64(32, LITTLE),
    data: received.subarray(REQUEST_BYTES, length),
  };
  return { call, rest: received.subarray(length) };
}

/** The answer as the shim reads it. */
export function writeAnswer({ errno, result, data, writes, opens }: KernelAnswer): Buffer {
  const length =
    ANSWER_BYTES + data.length + writes.reduce((sum, { bytes }) => sum + WRITE_HEAD_BYTES + bytes.length, 0);
  const frame = Buffer.alloc(length);
  const view = new DataView(frame.buffer, frame.byteOffset, length);
  view.setUint32(0, length, LITTLE);
  view.setInt32(4, errno, LITTLE);
  view.setBigInt64(8, result, LITTLE);
  view.setUint32(16, data.length, LITTLE);
  view.setUint32(20, opens === undefined ? 0 : 1, LITTLE);
  frame.set(data, ANSWER_BYTES);
  let at = ANSWER_BYTES + data.length;
  for (const { address, bytes } of writes) {
    view.setBigUint64(at, address, LITTLE);
    view.setUint32(at + 8, bytes.length, LITTLE);
    frame.set(bytes, at + WRITE_HEAD_BYTES);
    at += WRITE_HEAD_BYTES + bytes.length;
  }
  return frame;
}
