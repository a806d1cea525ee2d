import { describe, expect, it } from 'vitest';
import { decodeIrqSet } from './irq-set.ts';
import { bytes } from './testing/bytes.ts';

const COUNTS = [0, 0, 16, 1, 1];
const decode = (message: string, descriptors = 0) => decodeIrqSet(bytes(message), COUNTS, descriptors);

// The fields are u32 argsz, u32 flags, u32 index, u32 start, u32 count, data.
describe('DEVICE_SET_IRQS', () => {
  it('sets the eventfds of the message, and clears eventfds when the message has none', () => {
    const enable = '14000000 24000000 02000000 01000000 02000000';
    const set = { data: 'eventfd', action: 'trigger', flags: 0x24, index: 2, start: 1, count: 2 };
    expect(decode(enable, 2)).toEqual(set);
    expect(decode(enable, 0)).toEqual(set);
  });

  it('disables an index with a count of 0', () => {
    expect(decode('14000000 21000000 02000000 00000000 00000000')).toMatchObject({ data: 'none', count: 0 });
  });

  it('masks and unmasks with a byte for each interrupt', () => {
    expect(decode('17000000 0a000000 02000000 0d000000 03000000 010001')).toMatchObject({
      data: 'bool',
      action: 'mask',
      start: 13,
      count: 3,
    });
    expect(decode('15000000 12000000 03000000 00000000 01000000 01').action).toBe('unmask');
  });

  it.each([
    ['no data flag', '14000000 20000000 02000000 00000000 01000000', 0, 'flags 32'],
    ['two data flags', '14000000 23000000 02000000 00000000 01000000', 0, 'flags 35'],
    ['no action', '14000000 01000000 02000000 00000000 01000000', 0, 'flags 1'],
    ['two actions', '14000000 31000000 02000000 00000000 01000000', 0, 'flags 49'],
    ['an unknown flag', '14000000 61000000 02000000 00000000 01000000', 0, 'flags 97'],
    ['the top flag', '14000000 21000080 02000000 00000000 01000000', 0, 'flags'],
    ['an unknown index', '14000000 21000000 05000000 00000000 00000000', 0, 'index 5, allowed 0 to 4'],
    ['the largest index', '14000000 21000000 ffffffff 00000000 00000000', 0, 'index 4294967295'],
    [
      'more interrupts than the index has',
      '14000000 24000000 02000000 00000000 11000000',
      0,
      'index 2 has 16',
    ],
    [
      'a start and count whose sum exceeds 32 bits',
      '14000000 24000000 02000000 ffffffff 02000000',
      0,
      'index 2 has 16',
    ],
    [
      'a start but a count of 0',
      '14000000 21000000 02000000 01000000 00000000',
      0,
      'count 0, allowed only without data',
    ],
    [
      'data eventfd but a count of 0',
      '14000000 24000000 02000000 00000000 00000000',
      0,
      'count 0, allowed only without data',
    ],
    [
      'too few data bytes',
      '14000000 22000000 02000000 00000000 02000000 01',
      0,
      'payload of 21 bytes, allowed 22',
    ],
    [
      'too many data bytes',
      '14000000 24000000 02000000 00000000 01000000 01',
      0,
      'payload of 21 bytes, allowed 20',
    ],
    ['too few descriptors', '14000000 24000000 02000000 00000000 02000000', 1, '1 descriptors for 2'],
    ['descriptors but data none', '14000000 21000000 02000000 00000000 01000000', 1, 'with data "none"'],
    ['an argsz below 20', '13000000 21000000 02000000 00000000 00000000', 0, 'argsz 19'],
    ['half a payload', '14000000 21000000', 0, 'payload of 8 bytes, allowed at least 20'],
  ])('with %s is refused', (_, message, descriptors, problem) => {
    expect(() => decode(message, descriptors)).toThrow(problem);
  });
});
