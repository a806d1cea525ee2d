import { expect, it } from 'vitest';
import { decodeDeviceInfo, encodeDeviceInfo } from './device-info.ts';
import { bytes, text } from './testing/bytes.ts';

it('DEVICE_GET_INFO has u32 argsz, u32 flags (reset 1, PCI 2), u32 regions, u32 interrupts', () => {
  decodeDeviceInfo(bytes('10000000 00000000 00000000 00000000'));
  expect(text(encodeDeviceInfo(9, 5))).toBe('10000000 03000000 09000000 05000000');
});

it.each([
  ['0f000000 00000000 00000000 00000000', 'argsz 15'],
  ['10000000 00000000 00000000', 'payload of 12 bytes, allowed 16'],
  ['10000000 00000000 00000000 00000000 00000000', 'payload of 20 bytes'],
])('DEVICE_GET_INFO %s is refused', (message, problem) => {
  expect(() => decodeDeviceInfo(bytes(message))).toThrow(problem);
});
