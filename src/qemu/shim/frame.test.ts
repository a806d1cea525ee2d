import { describe, expect, it } from 'vitest';
import { BadFrame, readRequest, writeAnswer } from './frame.ts';
import { done } from '../../kernel/index.ts';

/** A frame as struct kernel_request of src/qemu/shim/kernel.h lies in memory. */
function frame(operation: number, data = ''): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(40), Buffer.from(data)]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(operation, 4);
  bytes.writeInt32LE(-1, 8);
  bytes.writeInt32LE(12, 12);
  bytes.writeBigUInt64LE(2n ** 64n - 1n, 16);
  bytes.writeBigUInt64LE(5n, 24);
  bytes.writeBigUInt64LE(6n, 32);
  return bytes;
}

describe('a request of the shim', () => {
  it('is read with its numbers and its data, and what follows stays', () => {
    const { call, rest } = readRequest(Buffer.concat([frame(1, '/dev/kvm'), frame(3)]))!;
    expect({ ...call, data: Buffer.from(call.data).toString() }).toEqual({
      ...{ operation: 'open', file: -1, spare: 12, data: '/dev/kvm' },
      ...{ first: 2n ** 64n - 1n, second: 5n, third: 6n },
    });
    expect(readRequest(rest)!.call.operation).toBe('ioctl');
  });

  it('is nothing until all of it is there', () => {
    const whole = frame(5, 'abc');
    for (const length of [0, 39, 40, whole.length - 1])
      expect(readRequest(whole.subarray(0, length))).toBeUndefined();
    expect(readRequest(whole)).toBeDefined();
  });

  it.each([0, 9, 1000])('has one of the operations, not %i', (operation) => {
    expect(() => readRequest(frame(operation))).toThrow(BadFrame);
  });

  it('is at least as long as its head', () => {
    const short = frame(2);
    short.writeUInt32LE(39, 0);
    expect(() => readRequest(short)).toThrow(BadFrame);
  });
});

describe('an answer to the shim', () => {
  it('holds errno, result, data, what it opens, and writes to memory', () => {
    const bytes = writeAnswer({
      ...done(-2, { data: Buffer.from('path'), opens: { kind: 'file' } }),
      errno: 22,
      writes: [{ address: 0x7f00_0000_0000n, bytes: Buffer.from('xyz') }],
    });
    expect([bytes.length, bytes.readUInt32LE(0), bytes.readInt32LE(4)]).toEqual([43, 43, 22]);
    expect([bytes.readBigInt64LE(8), bytes.readUInt32LE(16), bytes.readUInt32LE(20)]).toEqual([-2n, 4, 1]);
    expect(bytes.toString('latin1', 24, 28)).toBe('path');
    expect([bytes.readBigUInt64LE(28), bytes.readUInt32LE(36)]).toEqual([0x7f00_0000_0000n, 3]);
    expect(bytes.toString('latin1', 40)).toBe('xyz');
  });
});
