import { expect, it } from 'vitest';
import { decodeIrqInfoQuery, encodeIrqInfo } from './irq-info.ts';
import { bytes, text } from './testing/bytes.ts';

it('DEVICE_GET_IRQ_INFO has u32 argsz, u32 flags (eventfd 1), u32 index, u32 count', () => {
  expect(decodeIrqInfoQuery(bytes('10000000 00000000 02000000 00000000'))).toBe(2);
  expect(text(encodeIrqInfo(2, 2048))).toBe('10000000 01000000 02000000 00080000');
});

it.each([
  ['10000000 00000000 02000000', 'payload of 12 bytes, allowed 16'],
  ['00000000 00000000 02000000 00000000', 'argsz 0, allowed at least 16'],
])('DEVICE_GET_IRQ_INFO %s is refused', (message, problem) => {
  expect(() => decodeIrqInfoQuery(bytes(message))).toThrow(problem);
});
